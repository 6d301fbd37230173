import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  type AccountId,
  type BlobStore,
  type Clock,
  indexMessage,
  type JmapSession,
  type MailboxId,
  type MailStore,
  type SearchIndex,
  Slots,
  systemClock,
  type TlsContexts,
} from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { DEFAULT_LIMITS, type ImapLimits } from '../../../../plugins/imap/limits.ts'
import { MailboxMirrors } from '../../../../plugins/imap/mailbox-mirrors.ts'
import type { Offers } from '../../../../plugins/imap/offer.ts'
import { OpenSessions } from '../../../../plugins/imap/open-sessions.ts'
import type { Sharing } from '../../../../plugins/imap/sharing.ts'
import { type Log, silentLog } from '../../../../src/kernel/log.ts'
import { createMailStore } from '../../../../src/store/create-mail-store.ts'
import { createStoreContext, type StoreContext } from '../../../../src/store/store-context.ts'
import { TestClient } from './test-client.ts'
import { idOf, PASSWORD, testAuthenticator, testDirectory, testSasl, USERS, type User } from './test-directory.ts'

export interface WorldOptions {
  readonly limits?: Partial<ImapLimits>
  readonly clock?: Clock
  readonly messageBytes?: number
  readonly tls?: TlsContexts
  readonly log?: Log
  readonly sharing?: Sharing
  readonly offers?: Offers
  readonly jmap?: JmapSession
  /** Stands in front of the store, to make it slow or broken. */
  readonly wrapStore?: (store: MailStore) => MailStore
  readonly index?: SearchIndex
  readonly wrapBlobs?: (blobs: BlobStore) => BlobStore
}

export interface World extends AsyncDisposable {
  readonly store: MailStore
  /** What the store works with. */
  readonly context: StoreContext
  readonly blobs: ReturnType<typeof memoryBlobStore>
  readonly account: AccountId
  readonly mirrors: MailboxMirrors
  readonly sessions: OpenSessions
  readonly port: number
  /** Connects and reads the greeting. As over TLS when not said otherwise. */
  connect(options?: { isTls?: boolean }): Promise<TestClient>
  /** Connects and logs in, as alice when not said otherwise. */
  login(user?: User): Promise<TestClient>
  /** Gives rights on a mailbox of a user, INBOX of alice when not said otherwise. */
  share(subject: User | 'anyone', rights: string, mailbox?: string, owner?: User): Promise<void>
  /** Puts messages in a mailbox of alice's; returns their UIDs. */
  deliver(mailbox: string, ...messages: readonly (string | Buffer)[]): Promise<number[]>
  idOf(mailbox: string): Promise<MailboxId>
}

export { PASSWORD }
/** A public account, and one that administers. */
export const WITH_PUBLIC: Sharing = {
  shared: { local: 'public', domain: 'example.test' },
  administrators: [{ local: 'admin', domain: 'example.test' }],
}

/** The IMAP plugin over a store in memory, on a port of its own, with one account. */
export async function imapWorld(options: WorldOptions = {}): Promise<World> {
  const clock = options.clock ?? systemClock
  const log = options.log ?? silentLog
  const account = idOf('alice')
  const blobs = memoryBlobStore()
  const context = createStoreContext({ engine: memoryEngine(), blobs, clock: systemClock, log: silentLog })
  const real = createMailStore(context)
  for (const user of USERS) await real.createAccount(idOf(user))
  const store = options.wrapStore?.(real) ?? real
  const mirrors = new MailboxMirrors(store, log)
  const sessions = new OpenSessions({
    host: {
      clock,
      log,
      server: {
        hostname: 'mail.example.test',
        dataDir: '/nowhere',
        configDir: '/nowhere',
        worker: 0,
        workers: 1,
        mode: 'serve',
        limits: { messageBytes: options.messageBytes ?? 10 * 1024 * 1024, recipients: 100 },
      },
      run: {
        isHandled: () => false,
        verdict: async () => ({ verdict: { action: 'accept' }, outcomes: [] }),
        resolve: async () => undefined,
        transform: async (_hook, value) => value,
        notify: async () => {},
      },
    },
    services: {
      store,
      blobs: options.wrapBlobs?.(blobs) ?? blobs,
      mirrors,
      index: options.index,
      ...(options.jmap && { jmap: options.jmap }),
      authenticator: testAuthenticator,
      sasl: testSasl,
      directory: testDirectory(store),
      tls: options.tls ?? noTls,
      listeners: { listen: () => Promise.reject(new Error('not here')), list: () => [] },
      sessions: { add: () => () => {}, list: () => [] },
    },
    limits: { ...DEFAULT_LIMITS, loginDelayMs: 1, ...options.limits },
    ...(options.sharing && { sharing: options.sharing }),
    ...(options.offers && { offers: options.offers }),
  })
  let isTls = true
  let last = 0
  const server = createServer((socket) => {
    const connection = {
      id: `c${++last}`,
      protocol: 'imap',
      remoteAddress: '127.0.0.1',
      remotePort: socket.remotePort ?? 0,
      localAddress: '127.0.0.1',
      localPort: 143,
      openedAt: 0,
      slots: new Slots(),
    }
    sessions.accept({ socket, connection, isTls })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets: Socket[] = []
  const world: World = {
    store,
    context,
    blobs,
    account,
    mirrors,
    sessions,
    port,
    async connect(how = {}) {
      isTls = how.isTls ?? true
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      const client = new TestClient(socket)
      await client.line()
      return client
    },
    async login(user = 'alice') {
      const client = await world.connect()
      await client.ok(`LOGIN ${user}@example.test ${PASSWORD}`)
      return client
    },
    async share(subject, rights, mailbox = 'INBOX', owner = 'alice') {
      const { id } = await store.mailbox(idOf(owner), mailbox)
      const change = { isNegative: false, rights, mode: 'replace' } as const
      await store.changeAcl(idOf(owner), id, { subject: subject === 'anyone' ? subject : idOf(subject), ...change })
    },
    async deliver(mailbox, ...messages) {
      const { id } = await store.mailbox(account, mailbox)
      const appended = await store.append(
        account,
        id,
        await Promise.all(
          messages.map(async (message) => {
            const octets = typeof message === 'string' ? Buffer.from(message.replace(/\r?\n/g, '\r\n')) : message
            return {
              blob: await blobs.write(octets),
              index: indexMessage(octets),
              flags: [],
              internalDate: Date.UTC(2026, 0, 2, 3, 4, 5),
            }
          }),
        ),
      )
      return appended.map(({ uid }) => uid)
    },
    idOf: async (mailbox) => (await store.mailbox(account, mailbox)).id,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      sessions.destroy()
      server.close()
      await sessions.allEnded()
      real.close()
    },
  }
  return world
}

const noTls: TlsContexts = {
  contextFor: () => {
    throw new Error('no TLS in this test')
  },
  upgrade: () => Promise.reject(new Error('no TLS in this test')),
  clientCertificate: () => undefined,
  summary: { fingerprint: '', isSelfSigned: true, certFile: undefined },
}

/** A small message with a subject. */
export function mail(subject: string, body = 'Hello.'): string {
  return `From: Bob <bob@example.test>
To: alice@example.test
Subject: ${subject}
Date: Thu, 01 Jan 2026 10:00:00 +0000
Message-ID: <${encodeURIComponent(subject)}@example.test>

${body}
`
}
