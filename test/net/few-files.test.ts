import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually, scratch, startPeer } from '../support/peer.ts'

const SERVER = join(import.meta.dirname, 'few-files-server.ts')
const OPEN_FILES = 80
const WATCHED_MS = 1_500

test('a process without file descriptors warns first, does not spin, and serves again once it has some', async () => {
  using dir = scratch('files')
  const start = `ulimit -n ${OPEN_FILES} && exec "${process.execPath}" --conditions=source "${SERVER}" "${dir.path}"`
  await using server = await startPeer('bash', ['-c', start])
  const port = Number(await eventually(() => /^port (\d+)$/m.exec(server.output())?.[1]))
  expect(server.output()).toContain('warn this process may open fewer files')

  const sockets: Socket[] = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  await eventually(() => connectionsOf(server.output()) > 20)
  const before = cpuOf(server.output())
  await new Promise((resolve) => setTimeout(resolve, WATCHED_MS))
  expect(cpuOf(server.output()) - before).toBeLessThan(WATCHED_MS / 2)
  expect(
    server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('error')).length,
  ).toBeLessThanOrEqual(1)

  for (const socket of sockets) socket.destroy()
  await eventually(() => connectionsOf(server.output()) === 0)
  const late = connect(port, '127.0.0.1')
  const [greeting] = await once(late, 'data')
  late.destroy()
  expect(String(greeting)).toBe('hello\r\n')
})

const last = (pattern: RegExp, output: string) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? -1)
const cpuOf = (output: string) => last(/cpu (\d+)/g, output)
const connectionsOf = (output: string) => last(/connections (\d+)/g, output)
