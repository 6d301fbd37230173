import { expect, it } from 'vitest'
import { type Step, startScriptedServer } from '../plugins/outbound/scripted-server.ts'
import { eventually, run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { ServerProcess } from '../support/server-process.ts'

describeWith(['swaks', 'smtp-source'], 'a server with two workers', () => {
  it('delivers each message once, also when it is stopped and started in between', { timeout: 90_000 }, async () => {
    await using target = await startScriptedServer()
    await using server = await ServerProcess.create({
      outbound: `{ smarthost: { host: '127.0.0.1', port: ${target.port}, tls: 'none' } }`,
      more: `workers: 2, accounts: ['alice@example.test'], aliases: { 'away@example.test': 'bob@far.test' },`,
    })
    await server.start()
    const address = `127.0.0.1:${server.ports.smtp}`
    const burst = async () => {
      const args = ['-s', '5', '-m', '100', '-f', 'x@y.test', '-t', 'away@example.test', address]
      const sent = await run('smtp-source', args)
      expect(sent.code, sent.stderr + server.output).toBe(0)
    }
    await burst()
    await server.end('SIGTERM')
    await server.start()
    await burst()
    await eventually(() => target.taken.length >= 200, 30_000)
    const listed = async () =>
      JSON.parse((await server.command('queue', 'list', '--json')).stdout) as { entries: unknown[] }
    await eventually(async () => (await listed()).entries.length === 0, 20_000)
    expect(target.taken).toHaveLength(200)
    await server.end('SIGTERM')
  })
})

describeWith(['swaks'], 'a server that is killed in the middle of a delivery', () => {
  it.each(['mail', 'end'] as const)(
    'delivers the message after its restart (%s)',
    { timeout: 90_000 },
    async (stallAt: Step) => {
      await using target = await startScriptedServer({ stallAt })
      await using server = await ServerProcess.create({
        outbound: `{ smarthost: { host: '127.0.0.1', port: ${target.port}, tls: 'none' } }`,
        more: `accounts: ['alice@example.test'], aliases: { 'away@example.test': 'bob@far.test' },`,
      })
      await server.start()
      const address = `127.0.0.1:${server.ports.smtp}`
      const sent = await run('swaks', ['--server', address, '--from', 'x@y.test', '--to', 'away@example.test'])
      expect(sent.code, sent.stdout + server.output).toBe(0)
      const before = stallAt === 'end' ? 1 : 0
      await eventually(() => target.commands.some((line) => line.startsWith('MAIL')) && target.taken.length === before)
      await server.end('SIGKILL')
      expect(target.taken.length).toBe(before)
      target.behave({})
      await server.start()
      // It may have arrived before: the answer was lost with the process. Nothing else may be doubled, and nothing is lost.
      await eventually(() => target.taken.length === before + 1, 20_000)
      expect(target.taken.at(-1)?.rcpt[0]).toContain('<bob@far.test>')
      const listed = async () =>
        JSON.parse((await server.command('queue', 'list', '--json')).stdout) as { entries: unknown[] }
      await eventually(async () => (await listed()).entries.length === 0, 20_000)
      await server.end('SIGTERM')
    },
  )
})
