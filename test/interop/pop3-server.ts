import { isAscii, isUtf8 } from 'node:buffer'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blobStore, directory, downgradeHeader, headerEnd, mailStore, parseAddress, tlsContexts } from 'mailserver'
import { level } from 'mailserver/plugins/level'
import { pop3 } from 'mailserver/plugins/pop3'
import { indexMessage } from '../../src/mail/index-message.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

export const LOGIN = 'alice@example.test'
export const PASSWORD = 'secret'

/** A whole server with POP3 above a store on disk, its ports, and the file of the certificate that clients shall trust. */
export interface Pop3TestServer {
  readonly server: TestServer
  readonly port: number
  readonly tlsPort: number
  readonly certFile: string
  /** Makes a directory for the client under test. */
  directory(name: string): string
  /** Messages into the INBOX of alice, in order. */
  deliver(messages: readonly Buffer[]): Promise<void>
  /** How many messages the INBOX of alice has. */
  count(): Promise<number>
}

export async function startPop3Server(): Promise<Pop3TestServer> {
  const server = await startTestServer({
    storage: level({}),
    plugins: [pop3({ listen: ['127.0.0.1:0', 'tls://127.0.0.1:0'] })],
  })
  const address = parseAddress(LOGIN)
  const account = address && (await server.service(directory).accountByAddress(address))
  const { certFile } = server.service(tlsContexts).summary
  if (account === undefined || certFile === undefined) throw new Error('the test server has no alice or no certificate')
  const store = server.service(mailStore)
  const inbox = await store.mailbox(account.id, 'INBOX')
  return {
    server,
    port: server.port('pop3'),
    tlsPort: server.port('pop3', { tls: true }),
    certFile,
    directory(name) {
      const path = join(server.dataDir, 'clients', name)
      mkdirSync(path, { recursive: true })
      return path
    },
    async deliver(messages) {
      for (const bytes of messages) {
        const blob = await server.service(blobStore).write(bytes)
        await store.append(account.id, inbox.id, [
          { blob, index: indexMessage(bytes), flags: [], internalDate: Date.now() },
        ])
      }
    },
    count: async () => (await store.status(account.id, inbox.id)).messages,
  }
}

const SAMPLES = join(import.meta.dirname, '../../../shared/data/messages')

/** Real and malformed messages, by name; none where the samples are absent. */
export function sampleMessages(): { name: string; bytes: Buffer }[] {
  try {
    return readdirSync(SAMPLES, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.eml'))
      .map((entry) => ({ name: entry.name, bytes: readFileSync(join(entry.parentPath, entry.name)) }))
  } catch {
    return []
  }
}

/** A message as POP3 sends it to a client that has not said UTF8: a header in UTF-8 is rewritten in ASCII (RFC 6858). */
export function withAsciiHeader(bytes: Buffer): Buffer {
  const end = headerEnd(bytes)
  const header = bytes.subarray(0, end)
  if (isAscii(header) || !isUtf8(header)) return bytes
  return Buffer.concat([downgradeHeader(header), bytes.subarray(end)])
}

/** A message as POP3 sends it: every line, the last one too, ends in CRLF. Octets are kept as they are otherwise. */
export function withCrlf(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n')
  return Buffer.from(text === '' || text.endsWith('\n') ? text : `${text}\r\n`, 'latin1')
}
