import {
  type Account,
  type AccountId,
  type Authenticator,
  authenticator,
  type BlobStore,
  blobStore,
  type Clock,
  type ConfiguredPlugin,
  definePlugin,
  type Engine,
  engine,
  type Log,
  listeners,
  MailError,
  type MailStore,
  mailStore,
  parseAddress,
  type SessionInfo,
  sasl,
  sessions,
  systemClock,
} from 'mailserver'
import { pop3 } from 'mailserver/plugins/pop3'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { z } from 'zod'
import { saslOf } from '../../../src/directory/sasl/mechanisms.ts'
import { plain } from '../../../src/directory/sasl/plain.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { indexMessage } from '../../../src/mail/index-message.ts'
import { createMailStore } from '../../../src/store/create-mail-store.ts'
import { createStoreContext } from '../../../src/store/store-context.ts'
import { startNetHost } from '../../net/net-host.ts'
import { scratch } from '../../support/peer.ts'

export const ALICE = 'alice-id' as AccountId
export const PASSWORD = 'secret pass'

export interface Pop3HostOptions {
  readonly pop3?: Partial<Parameters<typeof pop3>[0]>
  readonly clock?: Clock
  readonly log?: Log
  readonly plugins?: readonly ConfiguredPlugin[]
  /** Puts something in the way of the store. */
  readonly wrapStore?: (store: MailStore) => MailStore
}

export interface Pop3Host extends AsyncDisposable {
  readonly port: number
  readonly tlsPort: number
  readonly store: MailStore
  readonly engine: Engine
  /** Messages into a mailbox of alice; returns their UIDs. */
  deliver(messages: readonly (string | Buffer)[], mailbox?: string): Promise<number[]>
  /** UIDs in alice's INBOX. */
  uids(): Promise<number[]>
  sessions(): readonly SessionInfo[]
  drain(reason: 'stop' | 'reload', deadline?: AbortSignal): Promise<void>
}

/** A POP3 server above a store in memory, with alice, whose password is PASSWORD. */
export async function startPop3(options: Pop3HostOptions = {}): Promise<Pop3Host> {
  const dir = scratch('pop3')
  const memory = memoryEngine()
  const blobs = memoryBlobStore()
  const clock = options.clock ?? systemClock
  const store = createMailStore(createStoreContext({ engine: memory, blobs, clock, log: silentLog }))
  await store.createAccount(ALICE)
  const host = await startNetHost({
    dataDir: dir.path,
    clock,
    ...(options.log && { log: options.log }),
    plugins: [
      storage({ engine: memory, blobs, store: options.wrapStore?.(store) ?? store }),
      people({}),
      ...(options.plugins ?? []),
      pop3({ listen: ['127.0.0.1:0', 'tls://127.0.0.1:0'], failureDelay: 10, ...options.pop3 }),
    ],
  })
  const ports = host.service(listeners).list()
  const portOf = (tls: boolean) =>
    Number(
      ports
        .find((port) => port.tls === tls)
        ?.address.split(':')
        .at(-1),
    )
  return {
    port: portOf(false),
    tlsPort: portOf(true),
    store,
    engine: memory,
    async deliver(messages, name = 'INBOX') {
      const { id } = await store.mailbox(ALICE, name)
      const uids: number[] = []
      for (const message of messages) {
        const bytes = typeof message === 'string' ? Buffer.from(message, 'latin1') : message
        const blob = await blobs.write(bytes)
        const added = await store.append(ALICE, id, [
          { blob, index: indexMessage(bytes), flags: [], internalDate: clock.now() },
        ])
        uids.push(...added.map(({ uid }) => uid))
      }
      return uids
    },
    async uids() {
      const { id } = await store.mailbox(ALICE, 'INBOX')
      const uids: number[] = []
      for await (const batch of store.states(ALICE, id)) uids.push(...batch.map(({ uid }) => uid))
      return uids
    },
    sessions: () => host.service(sessions).list(),
    drain: (reason, deadline = AbortSignal.timeout(5_000)) => host.drain(deadline, reason),
    async [Symbol.asyncDispose]() {
      await host.stop()
      store.close()
      dir[Symbol.dispose]()
    },
  }
}

const storage = definePlugin({
  name: 'test-storage',
  apiVersion: '^1',
  options: z.object({
    engine: z.custom<Engine>(),
    blobs: z.custom<BlobStore>(),
    store: z.custom<MailStore>(),
  }),
  provides: { engine, blobs: blobStore, store: mailStore },
  setup: ({ options }) => ({ services: options }),
})

const people = definePlugin({
  name: 'test-people',
  apiVersion: '^1',
  options: z.object({}),
  provides: { authenticator, sasl },
  setup: () => {
    const known: Authenticator = {
      async authenticate({ login: name, password, authorizationId }) {
        if (name === 'down') throw new MailError('UNAVAILABLE', 'the directory is down')
        if (name === 'busy') throw new MailError('LIMIT_REACHED', 'too many failures')
        if (name === 'broken') throw new TypeError('a fault')
        const isRight = name === 'alice@example.test' && password === PASSWORD
        if (!isRight || (authorizationId !== undefined && authorizationId !== name)) {
          throw new MailError('AUTHENTICATION_FAILED', 'wrong')
        }
        const address = parseAddress(name)
        if (address === undefined) throw new MailError('AUTHENTICATION_FAILED', 'wrong')
        return { id: ALICE, address, source: 'store', disabled: false, createdAt: 0 } satisfies Account
      },
    }
    return { services: { authenticator: known, sasl: saslOf([['PLAIN', plain(known)]]) } }
  },
})
