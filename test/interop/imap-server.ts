import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { blobStore, directory, indexMessage, mailStore, parseAddress } from 'mailserver'
import { imap } from '../../plugins/imap/index.ts'
import { level } from '../../plugins/level/index.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

export interface ImapServer extends AsyncDisposable {
  readonly server: TestServer
  /** TLS from the first octet, and in clear. */
  readonly tlsPort: number
  readonly port: number
  /** The certificate, as a person would save it at the first question. */
  readonly certificateFile: string
  deliver(address: string, mailbox: string, ...messages: readonly string[]): Promise<void>
  /** imapflow, connected; over TLS or coming to it by STARTTLS. */
  connect(options?: { secure?: boolean; user?: string }): Promise<ImapFlow>
}

/** A whole server with IMAP, and the accounts alice@ and bob@example.test. */
export async function startImapServer(): Promise<ImapServer> {
  const server = await startTestServer({
    storage: level(),
    plugins: [imap({ listen: ['127.0.0.1:0', 'tls://127.0.0.1:0'] })],
  })
  const tlsPort = server.port('imap', { tls: true })
  const port = server.port('imap')
  return {
    server,
    tlsPort,
    port,
    get certificateFile() {
      const files = readdirSync(server.dataDir, { recursive: true, encoding: 'utf8' })
      const found = files.find((name) => /cert.*\.pem$|\.crt$/.test(name))
      if (found === undefined) throw new Error(`no certificate among ${files}`)
      return join(server.dataDir, found)
    },
    async deliver(address, mailbox, ...messages) {
      const parsed = parseAddress(address)
      const account = parsed && (await server.service(directory).accountByAddress(parsed))
      if (account === undefined) throw new Error(`no account ${address}`)
      const store = server.service(mailStore)
      await store.createAccount(account.id)
      const { id } = await store.mailbox(account.id, mailbox)
      for (const message of messages) {
        const octets = Buffer.from(message.replace(/\r?\n/g, '\r\n'))
        const blob = await server.service(blobStore).write(octets)
        await store.append(account.id, id, [{ blob, index: indexMessage(octets), flags: [], internalDate: Date.now() }])
      }
    },
    async connect({ secure = true, user = 'alice@example.test' } = {}) {
      const client = new ImapFlow({
        host: '127.0.0.1',
        port: secure ? tlsPort : port,
        secure,
        auth: { user, pass: 'secret' },
        tls: { rejectUnauthorized: false },
        logger: false,
      })
      await client.connect()
      return client
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

export const text = (subject: string, body: string): string => `From: Bob <bob@example.test>
To: alice@example.test
Subject: ${subject}
Date: Thu, 01 Jan 2026 10:00:00 +0000
Message-ID: <${subject}@example.test>

${body}
`
