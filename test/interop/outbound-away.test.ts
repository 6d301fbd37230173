import { expect, it } from 'vitest'
import { SmtpSink } from '../bench/load/smtp-sink.ts'
import { eventually, freePort, run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { ServerProcess } from '../support/server-process.ts'

const MESSAGES = 200

/** Two workers with a backlog for a server that does not listen. */
async function withBacklog(sink: SmtpSink, deadHost: string, retry: string): Promise<ServerProcess> {
  const server = await ServerProcess.create({
    outbound: `{ smarthost: { host: '127.0.0.1', port: ${sink.port}, tls: 'none' }, deadHost: '${deadHost}' }`,
    more: `workers: 2, accounts: ['alice@example.test'], aliases: { 'away@example.test': 'bob@far.test' },
      queue: { retry: ['${retry}'] },`,
  })
  await server.start()
  const to = `127.0.0.1:${server.ports.smtp}`
  const sent = await run('smtp-source', [
    '-s',
    '5',
    '-m',
    `${MESSAGES}`,
    '-f',
    'x@y.test',
    '-t',
    'away@example.test',
    to,
  ])
  expect(sent.code, sent.stderr + server.output).toBe(0)
  return server
}

interface Listed {
  readonly entries: readonly { readonly attempts: number; readonly state: string }[]
}

async function waiting(server: ServerProcess): Promise<Listed['entries']> {
  const { stdout } = await server.command('queue', 'list', '--limit', '1000', '--json')
  return (JSON.parse(stdout) as Listed).entries
}

describeWith(['smtp-source', 'smtp-sink'], 'a backlog for a server that was away', () => {
  it('goes out by one retry of the operator, however long the server would be left alone', async () => {
    await using sink = new SmtpSink(await freePort())
    await using server = await withBacklog(sink, '1h', '1h')
    await eventually(async () => (await waiting(server)).every(({ state }) => state === 'waiting'), 20_000)
    const tried = (await waiting(server)).filter(({ attempts }) => attempts > 0)
    // Each worker tries a few at once before it knows; all others are put off and have not been tried.
    expect(tried.length).toBeGreaterThan(0)
    expect(tried.length).toBeLessThanOrEqual(20)
    await sink.start()
    const retried = await server.command('queue', 'retry', '--all')
    expect(retried.code, retried.stderr).toBe(0)
    await eventually(() => sink.messages >= MESSAGES, 30_000)
    await eventually(async () => (await waiting(server)).length === 0, 20_000)
    expect(sink.messages).toBe(MESSAGES)
    await server.end('SIGTERM')
  }, 90_000)

  it('goes out by itself soon after the server is back', async () => {
    await using sink = new SmtpSink(await freePort())
    await using server = await withBacklog(sink, '500ms', '1s')
    await eventually(async () => (await waiting(server)).length === MESSAGES, 20_000)
    await sink.start()
    await eventually(() => sink.messages >= MESSAGES, 30_000)
    await eventually(async () => (await waiting(server)).length === 0, 20_000)
    expect(sink.messages).toBe(MESSAGES)
    await server.end('SIGTERM')
  }, 90_000)
})
