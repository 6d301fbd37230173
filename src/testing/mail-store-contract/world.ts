import assert from 'node:assert/strict'
import { MailError, type MailErrorCode } from '../../errors/mail-error.ts'
import { silentLog } from '../../kernel/log.ts'
import type { MessageIndex } from '../../mail/message-index.ts'
import type { BlobRef, BlobStore } from '../../store/blob-store.ts'
import { createMailStore } from '../../store/create-mail-store.ts'
import type { Engine } from '../../store/engine.ts'
import { prefixRange } from '../../store/key.ts'
import { accountKey } from '../../store/layout.ts'
import type {
  AccountId,
  MailboxEvent,
  MailboxId,
  MailStore,
  MessageState,
  NewMessage,
  StateColumns,
} from '../../store/mail-store.ts'
import type { MailboxMirror } from '../../store/mirror/mailbox-mirror.ts'
import { decodeAccount } from '../../store/records/account-record.ts'
import { StatePage } from '../../store/records/state-page.ts'
import { createStoreContext, STORE_LIMITS, type StoreContext, type StoreLimits } from '../../store/store-context.ts'
import type { ContractTest } from '../contract.ts'
import { type FakeClock, fakeClock } from '../fake-clock.ts'

/** The two drivers under test, empty, and how to end them. */
export interface OpenedDrivers {
  readonly engine: Engine
  readonly blobs: BlobStore
  /** For drivers that also keep the mailboxes elsewhere; `blobs` must then read what it holds. */
  readonly mirror?: MailboxMirror
  close(): Promise<void>
}

export type MailStoreCase = ContractTest<OpenedDrivers>

/** A mail store of the case's own with one account, and what a case needs to look at it. */
export interface World {
  readonly engine: Engine
  readonly blobs: BlobStore
  /** Blobs that were given back. A driver may take their room back later. */
  readonly released: ReadonlySet<BlobRef>
  readonly clock: FakeClock
  readonly context: StoreContext
  readonly store: MailStore
  readonly account: AccountId
  /** The account's INBOX. */
  readonly inbox: MailboxId
  /** Id of a mailbox of the account. */
  id(name: string): Promise<MailboxId>
  /** A message with this body, its bytes in the BlobStore. */
  message(body?: string, flags?: readonly string[]): Promise<NewMessage>
  /** Appends `count` messages to a mailbox and returns their UIDs. */
  fill(mailbox: MailboxId, count: number, flags?: readonly string[]): Promise<number[]>
  /** Every state of a mailbox. */
  states(mailbox: MailboxId): Promise<MessageState[]>
  uids(mailbox: MailboxId): Promise<number[]>
  /** The same drivers seen by a process that has just started. */
  restarted(): MailStore
}

export interface WorldOptions {
  readonly limits?: Partial<StoreLimits>
  /** Puts something between the store and the engine. */
  readonly engine?: (engine: Engine) => Engine
  readonly blobs?: (blobs: BlobStore) => BlobStore
  readonly onChange?: StoreContext['onChange']
  /** The case is about blobs and who needs them: a mirror takes them over, and is left out. */
  readonly withoutMirror?: boolean
}

export function inWorld(
  title: string,
  body: (world: World) => Promise<void>,
  options: WorldOptions = {},
): MailStoreCase {
  return {
    title,
    async run(open) {
      const drivers = await open()
      try {
        await body(await createWorld(drivers, options))
      } finally {
        await drivers.close()
      }
    },
  }
}

async function createWorld(drivers: OpenedDrivers, options: WorldOptions): Promise<World> {
  const engine = options.engine?.(drivers.engine) ?? drivers.engine
  const released = new Set<BlobRef>()
  const blobs = notingReleases(options.blobs?.(drivers.blobs) ?? drivers.blobs, released)
  const clock = fakeClock()
  const context = createStoreContext({
    engine,
    blobs,
    clock,
    log: silentLog,
    limits: { ...STORE_LIMITS, ...options.limits },
    mirror: options.withoutMirror ? undefined : drivers.mirror,
    ...(options.onChange && { onChange: options.onChange }),
  })
  const store = createMailStore(context)
  const account = 'account-1' as AccountId
  await store.createAccount(account)
  const id = async (name: string) => (await store.mailbox(account, name)).id
  const message = async (body = 'Subject: x\r\n\r\nhello\r\n', flags: readonly string[] = []) =>
    newMessage(await blobs.write(Buffer.from(body)), Buffer.byteLength(body), flags)
  const states = (mailbox: MailboxId) => collect(store.states(account, mailbox))
  return {
    engine,
    blobs,
    released,
    clock,
    context,
    store,
    account,
    inbox: await id('INBOX'),
    id,
    message,
    async fill(mailbox, count, flags) {
      const messages = await Promise.all(Array.from({ length: count }, () => message(undefined, flags)))
      return (await store.append(account, mailbox, messages)).map(({ uid }) => uid)
    },
    states,
    uids: async (mailbox) => (await states(mailbox)).map(({ uid }) => uid),
    restarted: () => createMailStore(context),
  }
}

function notingReleases(blobs: BlobStore, released: Set<BlobRef>): BlobStore {
  return {
    writer: () => blobs.writer(),
    write: (bytes) => blobs.write(bytes),
    read: (ref, range) => blobs.read(ref, range),
    readMany: (refs) => blobs.readMany(refs),
    readRanges: (wanted) => blobs.readRanges(wanted),
    stream: (ref, range) => blobs.stream(ref, range),
    durable: (ref) => blobs.durable(ref),
    async release(ref) {
      await blobs.release(ref)
      released.add(ref)
    },
  }
}

export function newMessage(blob: BlobRef, size: number, flags: readonly string[] = []): NewMessage {
  return { blob, index: indexOf(size), flags, internalDate: Date.UTC(2025, 5, 1) }
}

/** An index with something in every field. */
export function indexOf(size: number): MessageIndex {
  return {
    size,
    envelope: Buffer.from('(NIL "subject \u00e9" NIL NIL NIL NIL NIL NIL NIL "<1@example.test>")'),
    bodyStructure: Buffer.from('("text" "plain" NIL NIL NIL "7bit" 7 1 NIL NIL NIL NIL)'),
    body: Buffer.from('("text" "plain" NIL NIL NIL "7bit" 7 1)'),
    root: {
      type: 'text',
      subtype: 'plain',
      headerStart: 0,
      bodyStart: Math.min(14, size),
      bodyEnd: size,
      lines: 1,
      encoding: '7bit',
      charset: 'utf-8',
      children: [],
    },
    subject: 'subject é',
    messageId: '<1@example.test>',
    sentAt: Date.UTC(2025, 4, 31),
  }
}

/** What columns say, message by message. */
export function statesIn({ count, flagSets, ...columns }: StateColumns): MessageState[] {
  return Array.from({ length: count }, (_, row) => ({
    uid: columns.uids[row] as number,
    flags: flagSets[columns.flags[row] as number] as readonly string[],
    modSeq: BigInt(columns.modSeqs[row] as number),
    internalDate: columns.internalDates[row] as number,
    size: columns.sizes[row] as number,
  }))
}

export async function collect<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const batch of batches) for (const one of batch) all.push(one)
  return all
}

/** How many keys a space holds, e.g. `mail-copy`; of `mail-state`, how many messages stand in its pages. */
export async function countKeys(engine: Engine, space: string): Promise<number> {
  let count = 0
  for await (const batch of engine.scan(prefixRange(space))) {
    for (const [, value] of batch) count += space === 'mail-state' ? StatePage.decode(0, value).count : 1
  }
  return count
}

const MESSAGE_SPACES = ['mail-state', 'mail-copy', 'mail-index', 'blob-link'] as const

/** Every space holds something of so many messages. What a mirror holds needs no links. */
export async function assertMessages({ engine, context }: World, count: number): Promise<void> {
  const spaces = context.mirror === undefined ? MESSAGE_SPACES : MESSAGE_SPACES.filter((name) => name !== 'blob-link')
  for (const space of spaces) assert.equal(await countKeys(engine, space), count, `keys in ${space}`)
}

export async function fails(code: MailErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (err) => {
    assert.ok(err instanceof MailError, `expected a MailError, got ${err}`)
    assert.equal(err.code, code)
    return true
  })
}

/** How long an event may take to arrive. */
const EVENT_TIMEOUT_MS = 10_000

/** Events of the account from now on; `settled` waits until those of all commits so far have come. */
export async function recordEvents({ store, account, engine }: World): Promise<{
  readonly events: MailboxEvent[]
  settled(): Promise<void>
  end(): void
}> {
  const events: MailboxEvent[] = []
  const modSeq = async () => decodeAccount((await engine.get(accountKey(account))) ?? Buffer.alloc(0)).modSeq
  // What was published before must not arrive after the watcher.
  await roundTrip(engine)
  const before = await modSeq()
  const end = store.watch(account, (event) => events.push(event))
  return {
    events,
    end,
    async settled() {
      const reached = await modSeq()
      const until = Date.now() + EVENT_TIMEOUT_MS
      while (reached > before && !events.some((event) => event.modSeq >= reached)) {
        assert.ok(Date.now() < until, 'the events of a commit did not arrive')
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await roundTrip(engine)
    },
  }
}

/** Resolves when whatever was published before has arrived. */
async function roundTrip(engine: Engine): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = engine.watch('contract:settled', () => {
      stop()
      resolve()
    })
    engine.publish('contract:settled', '')
  })
  await new Promise((resolve) => setImmediate(resolve))
}
