import { ImapFlow } from 'imapflow'
import { expect, it } from 'vitest'
import { eventually } from '../support/peer.ts'
import { ServerProcess } from '../support/server-process.ts'
import { SmtpDialog } from '../support/smtp-dialog.ts'

const SESSIONS = 8
const ROUNDS = 4

/** Sends one message after the other until the server is gone. Returns the names of those that it said 250 to. */
async function send(port: number, session: string): Promise<string[]> {
  const acknowledged: string[] = []
  try {
    await using dialog = await SmtpDialog.connect(port)
    await dialog.expect(220)
    await dialog.command('EHLO client.example.net', 250)
    for (let count = 0; ; count++) {
      const name = `${session}-${count}`
      await dialog.command('MAIL FROM:<carol@example.net>', 250)
      await dialog.command('RCPT TO:<alice@example.test>', 250)
      await dialog.command('DATA', 354)
      await dialog.command(`Subject: ${name}\r\n\r\n${'x'.repeat(500 + count)}\r\n.`, 250)
      acknowledged.push(name)
    }
  } catch {
    // The server was killed: what it had acknowledged by then is what counts.
  }
  return acknowledged
}

it.each([1, 2])(
  'loses no acknowledged message when it is killed in mid-traffic, again and again, with %i workers',
  async (workers) => {
    const more = `workers: ${workers}, accounts: ['alice@example.test'],`
    await using server = await ServerProcess.create({ more })
    const acknowledged: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await server.start()
      const sessions = Array.from({ length: SESSIONS }, (_, index) => send(server.ports.smtp, `${round}-${index}`))
      await new Promise((resolve) => setTimeout(resolve, 400 + 200 * round))
      await server.end('SIGKILL')
      acknowledged.push(...(await Promise.all(sessions)).flat())
    }
    expect(acknowledged.length).toBeGreaterThan(50)

    await server.start()
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: server.ports.imaps,
      secure: true,
      tls: { rejectUnauthorized: false },
      auth: { user: 'alice@example.test', pass: server.password('alice@example.test') },
      logger: false,
    })
    await client.connect()
    await client.mailboxOpen('INBOX')
    const stored: string[] = []
    const uids: number[] = []
    for await (const message of client.fetch('1:*', { uid: true, envelope: true, size: true, source: true })) {
      stored.push(message.envelope?.subject as string)
      uids.push(message.uid)
      expect(message.source?.length).toBe(message.size)
    }
    await client.logout()

    const found = new Set(stored)
    expect(acknowledged.filter((name) => !found.has(name))).toEqual([])
    expect(new Set(uids).size).toBe(uids.length)
    expect(await server.end('SIGTERM')).toBe(0)
  },
  120_000,
)

it('stops in order, with exit code 0, when it is told to while it starts', async () => {
  await using server = await ServerProcess.create({ more: "workers: 2, accounts: ['alice@example.test']," })
  const started = server.start().catch(() => {
    // It ends before everything listens: that is asked for.
  })
  await eventually(() => server.output.includes('the store is open'))
  expect(await server.end('SIGTERM')).toBe(0)
  await started
}, 30_000)
