import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { lockHolder } from '../../src/control/data-lock.ts'
import type { ServerStatus } from '../../src/control/server-status.ts'
import { eventually } from '../support/peer.ts'
import { logOf, mailProject } from './mail-project.ts'

const V8_THREADS = Math.max(1, Math.min(4, availableParallelism() - 1))

// Every command is a process of its own, and runs from its sources.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

test('a server in the background starts, tells how it is, reloads, restarts and stops', async () => {
  await using p = mailProject()
  const started = await p.mailserver('start', '--detach')
  expect(started.stderr).toBe('')
  expect(started.stdout).toMatch(/mail\.example\.test is running \(process \d+\)/)
  expect(started.stdout).toMatch(/alice@example\.test +\S{8,}/)

  const second = await p.mailserver('start')
  expect(second).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/A server is running on .* already, as process \d+/),
  })

  const status = await p.json<ServerStatus>(['status'])
  expect(status).toMatchObject({ state: 'running', generation: 1, queue: { waiting: 0 }, problems: [] })
  expect(status.listeners).toHaveLength(3)
  expect((await p.mailserver('status')).stdout).toMatch(/^running\n/)

  p.configure("domains: ['example.test', 'example.org'],")
  const plan = await p.mailserver('config', 'plan')
  expect(plan.stdout).toBe('+ domain example.org\n\nMake it so with: mailserver reload\n')
  expect(await p.json(['reload'])).toEqual({ generation: 2 })

  const restarted = await p.json<{ pid: number }>(['restart'])
  expect(restarted.pid).not.toBe(status.pid)
  expect(await p.json(['stop'])).toEqual({ pid: restarted.pid })
  expect(lockHolder(p.dataDir)).toBeUndefined()
  expect(logOf(p)).toContain('"msg":"stopped"')
  expect((await p.mailserver('logs', '-n', '1')).stdout).toContain('"msg":"stopped"')
})

test('commands that need a server end with 3 when none runs, and say how to start it', async () => {
  await using p = mailProject()
  const runs = [['status'], ['stop'], ['reload'], ['sessions'], ['config', 'plan']]
  for (const ran of await Promise.all(runs.map((args) => p.mailserver(...args)))) {
    expect(ran).toMatchObject({ code: 3, stdout: '' })
    expect(ran.stderr).toContain('The server is not running.\n\nTry:\n  Start it with: mailserver start')
  }
  expect(await p.json(['status'], 3)).toMatchObject({ error: { code: 3, message: 'The server is not running.' } })
})

test('a server in the foreground drains on SIGINT and ends with 0', async () => {
  await using p = mailProject()
  const server = await p.foreground()
  expect(server.output()).toContain('Send a message:')
  // As a terminal and npm do together: one Ctrl-C, two signals.
  server.process.kill('SIGINT')
  server.process.kill('SIGINT')
  expect(await server.exit).toBe(0)
  expect(server.output()).toContain('"msg":"stopped"')
})

test.runIf(process.platform === 'linux')('V8 gets as many threads as there are processors to spare', async () => {
  await using p = mailProject()
  const server = await p.foreground()
  expect(helpersOf(server.process.pid)).toBe(V8_THREADS)
  server.process.kill('SIGTERM')
  expect(await server.exit).toBe(0)
  await p.json(['start', '--detach'])
  const { pid } = await p.json<{ pid: number }>(['restart'])
  expect(helpersOf(pid)).toBe(V8_THREADS)
  await p.json(['stop'])
})

test('SIGHUP reloads', async () => {
  await using p = mailProject()
  const server = await p.foreground()
  server.process.kill('SIGHUP')
  await eventually(() => server.output().includes('reloaded'))
  server.process.kill('SIGTERM')
  expect(await server.exit).toBe(0)
})

test('what a killed server leaves does not stand in the way of the next', async () => {
  await using p = mailProject()
  const server = await p.foreground()
  server.process.kill('SIGKILL')
  await server.exit
  expect((await p.mailserver('status')).code).toBe(3)
  await p.json(['start', '--detach'])
  expect(await p.json(['stop'])).toEqual({ pid: expect.any(Number) })
})

test('a start in the background says why it did not start', async () => {
  await using p = mailProject()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  p.configure(`plugins: [level(), imap({ listen: 'tls://127.0.0.1:${port}' })],`)
  const ran = await p.mailserver('start', '--detach')
  other.close()
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain(`127.0.0.1:${port} is in use by another process`)
  expect(ran.stderr).toContain('Try:')
})

test('a config that is wrong ends every command with 78, with all problems and their places', async () => {
  await using p = mailProject()
  p.configure("workers: 'many', limits: { drain: 'soon' }, hostnme: 1,")
  const expected = [
    ': there is no option hostnme',
    'workers: expected a whole number from 1 to 256, or \'auto\', got "many"',
    "limits.drain: expected a duration such as '30s', '5m' or '2h', got \"soon\"",
  ]
  const runs = [['start'], ['start', '--detach'], ['config', 'check'], ['user', 'list']]
  for (const ran of await Promise.all(runs.map((args) => p.mailserver(...args)))) {
    expect(ran.code).toBe(78)
    for (const problem of expected) expect(ran.stderr).toContain(problem.replace(/^: /, ''))
    expect(ran.stderr).toContain(join(p.dir, 'mailserver.config.ts'))
  }
  const told = await p.json<{ error: { problems: { path: string; message: string }[] } }>(['config', 'check'], 78)
  expect(told.error.problems.map(({ path, message }) => `${path}: ${message}`).toSorted()).toEqual(expected.toSorted())
})

test('plugins that do not fit together are found before anything starts', async () => {
  await using p = mailProject()
  p.configure("plugins: [imap({ listen: '127.0.0.1:0' })],")
  const ran = await p.mailserver('config', 'check')
  expect(ran).toMatchObject({ code: 78, stderr: expect.stringMatching(/needs core:engine, and no plugin provides it/) })
})

test('a corrupt store stops the start with a message, and no stack', async () => {
  await using p = mailProject()
  await p.json(['start', '--detach'])
  await p.json(['stop'])
  writeFileSync(join(p.dataDir, 'store', 'VERSION'), 'nonsense\n')
  const ran = await p.mailserver('start', '--detach')
  expect(ran.code).toBe(1)
  expect(ran.stderr).toMatch(/^Error: level did not start: /)
  expect(ran.stderr).not.toMatch(/^ +at /m)
})

/** Threads of V8 in a process, by the names that Node gives them. */
function helpersOf(pid: number | undefined): number {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).filter((id) => readFileSync(join(tasks, id, 'comm'), 'utf8').includes('V8Worker')).length
}
