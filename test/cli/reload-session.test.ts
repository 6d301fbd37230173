import { connect, type TLSSocket } from 'node:tls'
import { expect, test, vi } from 'vitest'
import type { StartCard } from '../../src/cli/start-card.ts'
import { eventually, freePorts } from '../support/peer.ts'
import { mailProject } from './mail-project.ts'

vi.setConfig({ testTimeout: 90_000 })

class ImapClient implements Disposable {
  readonly #socket: TLSSocket
  received = ''

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    this.#socket.on('data', (chunk) => {
      this.received += chunk.toString()
    })
    this.#socket.on('error', () => {})
  }

  async say(tag: string, command: string): Promise<string> {
    const before = this.received.length
    this.#socket.write(`${tag} ${command}\r\n`)
    await eventually(() => this.received.slice(before).includes(`${tag} `))
    return this.received.slice(before)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

test('an IMAP session goes on over a reload, and sees mail that the new workers file', async () => {
  await using p = mailProject()
  const { imap, submission } = await freePorts('imap', 'submission')
  p.configure(
    `plugins: [level(), imap({ listen: 'tls://127.0.0.1:${imap}' }), submission({ listen: 'tls://127.0.0.1:${submission}' })],`,
  )
  const { accounts } = await p.json<StartCard>(['start', '--detach'])
  const [alice, bob] = accounts
  using client = new ImapClient(imap)
  await eventually(() => client.received.startsWith('* OK'))
  expect(await client.say('a1', `LOGIN ${alice?.address} ${alice?.password}`)).toMatch(/^a1 OK/m)
  expect(await client.say('a2', 'SELECT INBOX')).toMatch(/^\* 0 EXISTS/m)

  expect(await p.json(['reload'])).toEqual({ generation: 2 })
  expect((await p.json<{ workers: unknown[] }>(['status'])).workers).toHaveLength(2)

  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host: '127.0.0.1',
    port: submission,
    secure: true,
    tls: { rejectUnauthorized: false },
    auth: { user: bob?.address ?? '', pass: bob?.password ?? '' },
  })
  await transport.sendMail({ from: bob?.address, to: alice?.address, subject: 'after the reload', text: 'x' })
  transport.close()
  expect(
    await eventually(async () => {
      const answer = await client.say('a3', 'NOOP')
      return answer.includes('* 1 EXISTS') && answer
    }),
  ).toMatch(/^a3 OK/m)
  expect(await client.say('a4', 'FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]')).toContain('after the reload')

  expect(await client.say('a5', 'LOGOUT')).toMatch(/^\* BYE/m)
  await eventually(async () => (await p.json<{ workers: unknown[] }>(['status'])).workers.length === 1)
  await p.json(['stop'])
})
