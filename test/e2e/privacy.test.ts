import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ServerProcess } from '../support/server-process.ts'
import { SmtpDialog } from '../support/smtp-dialog.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Submits as alice by AUTH LOGIN, after a try with a wrong password by AUTH PLAIN. */
async function submit(server: ServerProcess, password: string): Promise<void> {
  await using dialog = await SmtpDialog.connect(server.ports.submissions, { tls: true })
  await dialog.expect(220)
  await dialog.command('EHLO client.example.net', 250)
  await dialog.command(`AUTH PLAIN ${base64('\0alice@example.test\0wrong-and-secret')}`, 535)
  await dialog.command('AUTH LOGIN', 334)
  await dialog.command(base64('alice@example.test'), 334)
  await dialog.command(base64(password), 235)
  await dialog.command('MAIL FROM:<alice@example.test>', 250)
  await dialog.command('RCPT TO:<alice@example.test>', 250)
  await dialog.command('DATA', 354)
  await dialog.command('From: alice@example.test\r\nSubject: x\r\n\r\nx\r\n.', 250)
}

it('keeps credentials out of the log and of journeys, and its files to itself', async () => {
  const more = "accounts: ['alice@example.test', 'bob@example.test'], log: { level: 'trace' },"
  await using server = await ServerProcess.create({ more })
  await server.start()
  const password = server.password('alice@example.test')
  await submit(server, password)
  const trace = await server.command('trace', 'alice@example.test', '--json')
  await server.end('SIGTERM')

  // The card at the start is for the operator's eyes; the log is lines of JSON.
  const log = server.output.split('\n').filter((line) => line.startsWith('{'))
  expect(log.some((line) => line.includes('"level":"trace"'))).toBe(true)
  expect(trace.stdout).toContain('auth')
  const secrets = [
    password,
    base64(password),
    'wrong-and-secret',
    base64('\0alice@example.test\0wrong-and-secret').slice(0, -4),
  ]
  for (const secret of secrets) expect(`${log.join('\n')}${trace.stdout}`).not.toContain(secret)

  for (const entry of readdirSync(server.dataDir, { withFileTypes: true })) {
    const mode = statSync(join(server.dataDir, entry.name)).mode & 0o777
    expect(`${entry.name} ${mode.toString(8)}`).toBe(`${entry.name} ${entry.isDirectory() ? '700' : '600'}`)
  }
  expect(statSync(server.dataDir).mode & 0o777).toBe(0o700)
})

it('takes a message to its end when it is told to stop in the middle of it', async () => {
  await using server = await ServerProcess.create()
  await server.start()
  await using inHand = await SmtpDialog.connect(server.ports.smtp)
  await inHand.expect(220)
  await inHand.command('EHLO client.example.net', 250)
  await inHand.command('MAIL FROM:<carol@example.net>', 250)
  await inHand.command('RCPT TO:<alice@example.test>', 250)
  await inHand.command('DATA', 354)
  inHand.send('Subject: in hand\r\n\r\nfirst half\r\n')
  await using idle = await SmtpDialog.connect(server.ports.smtp)
  await idle.expect(220)
  const ended = server.end('SIGTERM')
  await idle.expect(421)
  await inHand.command('second half\r\n.', 250)
  await inHand.expect(421)
  expect(await ended).toBe(0)

  await server.start()
  const found = await server.command('trace', 'carol@example.net')
  expect(found.stdout).toContain('in a mailbox of alice@example.test')
})
