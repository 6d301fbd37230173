import {
  type AccountId,
  type Address,
  type Answer,
  type BlobStore,
  blobStore,
  type ConfiguredPlugin,
  type Connection,
  definePlugin,
  directory,
  type Engine,
  engine,
  type HookRegistrar,
  type IntakeRole,
  type IntakeSession,
  intake,
  type Journey,
  journeys,
  type MailParameters,
  type MessageIndex,
  mailStore,
  parseAddress,
  type Receipt,
  type Recipient,
  Slots,
} from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { z } from 'zod'
import { eventually } from '../../support/peer.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../../support/test-server.ts'

export interface IntakeWorld extends TestServer {
  readonly blobs: BlobStore & { readonly count: number }
  /** As if the account had proved who it is. */
  logIn(session: IntakeSession, account: string): Promise<void>
  open(role?: IntakeRole, connection?: Partial<Connection>): IntakeSession
  messages(address: string, mailbox?: string): Promise<readonly { text: string; index: MessageIndex; bytes: Buffer }[]>
  journey(query: string): Promise<Journey>
}

export interface IntakeWorldOptions extends TestServerOptions {
  /** Handlers of a plugin called `checker`. */
  readonly hooks?: (hooks: HookRegistrar) => void
  /** Wraps the drivers, so that a test can make them fail. */
  readonly wrap?: (drivers: { engine: Engine; blobs: BlobStore }) => { engine?: Engine; blobs?: BlobStore }
}

/** The core without any protocol: sessions are opened as a protocol plugin would. */
export async function startIntake(options: IntakeWorldOptions = {}): Promise<IntakeWorld> {
  const { hooks, wrap, plugins = [], ...rest } = options
  const drivers = { engine: memoryEngine(), blobs: memoryBlobStore() }
  const wrapped = { ...drivers, ...wrap?.(drivers) }
  const storage = definePlugin({
    name: 'test-storage',
    apiVersion: '^1',
    options: z.object({}),
    provides: { engine, blobs: blobStore },
    setup: () => ({ services: wrapped }),
  })()
  const checker = definePlugin({
    name: 'checker',
    apiVersion: '^1',
    options: z.object({}),
    setup({ hooks: registrar }) {
      hooks?.(registrar)
      return undefined
    },
  })() as ConfiguredPlugin
  const server = await startTestServer({ ...rest, storage, plugins: [checker, ...plugins] })
  return {
    ...server,
    blobs: drivers.blobs,
    async logIn(session, text) {
      const account = await server.service(directory).accountByAddress(address(text))
      if (account === undefined) throw new Error(`there is no account ${text}`)
      session.authenticated(account, 'PLAIN')
    },
    open: (role = 'mx', connection = {}) =>
      server.service(intake).open(
        {
          id: 'session',
          protocol: role === 'mx' ? 'smtp' : role,
          remoteAddress: '192.0.2.7',
          remotePort: 4711,
          localAddress: '192.0.2.1',
          localPort: 25,
          openedAt: 0,
          slots: new Slots(),
          ...connection,
        },
        role,
      ),
    async messages(text, mailbox = 'INBOX') {
      const store = server.service(mailStore)
      const account = (await server.service(directory).accountByAddress(address(text)))?.id as AccountId
      const { id } = await store.mailbox(account, mailbox)
      const messages: { text: string; index: MessageIndex; bytes: Buffer }[] = []
      const uids: number[] = []
      for await (const batch of store.states(account, id)) uids.push(...batch.map(({ uid }) => uid))
      for await (const batch of store.indexes(account, id, uids)) {
        for (const [uid, index] of batch) {
          const bytes = await store.read(account, id, uid)
          messages.push({ text: bytes.toString(), index, bytes })
        }
      }
      return messages
    },
    journey: (query) => eventually(async () => (await server.service(journeys).find(query, 1))[0]),
  }
}

export function address(text: string): Address {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new Error(`${text} is no address`)
  return parsed
}

export const PLAIN: MailParameters = { smtpUtf8: false, eightBit: false, requireTls: false }

export interface Transfer {
  readonly from?: string
  readonly to?: readonly (string | Recipient)[]
  readonly message?: string | Buffer | readonly Buffer[]
  readonly parameters?: Partial<MailParameters>
}

/** A whole transaction: the first refusal before DATA, or the receipt. */
export async function transfer(session: IntakeSession, options: Transfer = {}): Promise<Receipt & { at: string }> {
  const { from = 'a@b.test', to = ['alice@example.test'], message = 'Subject: x\r\n\r\nx\r\n' } = options
  const sender = from === '' ? undefined : address(from)
  const mail = await session.mailFrom(sender, { ...PLAIN, ...options.parameters })
  if (!mail.ok) return { id: '', answer: mail, at: 'mail' }
  for (const one of to) {
    const recipient = typeof one === 'string' ? { address: address(one) } : one
    const answer = await session.rcptTo(recipient)
    if (!answer.ok) return { id: '', answer, at: 'rcpt' }
  }
  const chunks = Array.isArray(message) ? message : [Buffer.from(message as string)]
  const source = (async function* () {
    yield* chunks as Buffer[]
  })()
  return { ...(await session.receive(source, () => false)), at: 'data' }
}

/** `550 5.1.1`, or `ok`. */
export const brief = (answer: Answer): string => (answer.ok ? 'ok' : `${answer.reply} ${answer.code}`)
