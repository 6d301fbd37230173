import type { Directory, Resolution } from '../../src/directory/directory.ts'
import { MailError } from '../../src/errors/mail-error.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import type { RelayAttempt } from '../../src/kernel/moments.ts'
import { type Address, formatAddress, parseAddress } from '../../src/mail/address.ts'
import type { Envelope, Recipient } from '../../src/mail/envelope.ts'
import { indexMessage } from '../../src/mail/index-message.ts'
import { composeReport } from '../../src/queue/compose-report.ts'
import type { Attempt, AttemptResult, Claim, MessageId, QueueMessage, RetrySchedule } from '../../src/queue/queue.ts'
import { Reports } from '../../src/queue/reports.ts'
import { StoreQueue } from '../../src/queue/store-queue.ts'
import type { Engine } from '../../src/store/engine.ts'
import type { JourneyEvent, Journeys } from '../../src/store/journey.ts'
import { key, prefixRange } from '../../src/store/key.ts'
import type { DeliveryRequest, LocalDelivery } from '../../src/store/local-delivery.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { memoryBlobStore } from '../../src/testing/memory-blob-store.ts'
import { memoryEngine } from '../../src/testing/memory-engine.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export const SCHEDULE: RetrySchedule = {
  delaysMs: [5 * MINUTE, 10 * MINUTE, HOUR],
  jitter: 0,
  lifetimeMs: 24 * HOUR,
  warnAfterMs: 4 * HOUR,
}

export const address = (text: string): Address => parseAddress(text) ?? raise(`${text} is no address`)

function raise(text: string): never {
  throw new Error(text)
}

/** A queue over memory, with a directory of one local domain and a mailbox that keeps what it gets. */
export function queueWorld(
  options: { schedule?: Partial<RetrySchedule>; engine?: Engine; random?: () => number } = {},
) {
  const engine = options.engine ?? memoryEngine()
  const blobs = memoryBlobStore()
  const clock = fakeClock()
  const faults: { directory: boolean; overQuota: boolean; engine: boolean } = {
    directory: false,
    overQuota: false,
    engine: false,
  }
  const delivered: { request: DeliveryRequest; text: string }[] = []
  const events = new Map<string, JourneyEvent[]>()
  const settled: RelayAttempt[] = []
  const journeys: Journeys = {
    beginIn: (tx, subject, first) => tx.afterCommit(() => void events.set(subject.id, [...first])),
    appendIn: (tx, id, more) => tx.afterCommit(() => void events.set(id, [...(events.get(id) ?? []), ...more])),
    recordRefused: () => {},
    find: async () => [],
  }
  const directory = {
    async resolve({ domain, local }: Address): Promise<Resolution> {
      if (faults.directory) throw new MailError('UNAVAILABLE', 'the directory is down')
      if (domain !== 'home.test') return { kind: 'remote' }
      if (local === 'nobody') return { kind: 'unknown' }
      const account = { id: `account-${local}`, address: { local, domain } } as never
      return { kind: 'local', accounts: [{ account }], forward: local === 'away' ? [address('away@far.test')] : [] }
    },
  } as Directory
  const localDelivery: LocalDelivery = {
    async plan(request) {
      const error = new MailError('OVER_QUOTA', 'mailbox full')
      return {
        scopes: request.recipients.map(({ account }) => `account:${account}`),
        refused: new Map(),
        async commitIn(tx) {
          if (faults.overQuota) throw error
          const text = (await blobs.read(request.blob)).toString()
          tx.put(key('fake-mailbox', request.id), Buffer.alloc(0))
          tx.afterCommit(() => void delivered.push({ request, text }))
          return request.recipients.map(({ account }) => ({ account, mailbox: 'inbox' as never, uid: 1 }))
        },
      }
    },
  }
  const open = (owner: string, log: Log = silentLog) => {
    const reports = new Reports({
      blobs,
      directory,
      localDelivery,
      journeys,
      compose: (content) => composeReport('mx.home.test', content),
      index: indexMessage,
      enqueueIn: (tx, message, to) =>
        queue.enqueueIn(
          tx,
          message,
          to.map((recipient) => ({ recipient: { address: recipient } })),
        ),
    })
    const queue: StoreQueue = new StoreQueue({
      engine,
      journeys,
      reports,
      log,
      clock,
      owner,
      schedule: { ...SCHEDULE, ...options.schedule },
      random: options.random ?? (() => 0.5),
      onSettled: (attempt) => void settled.push(attempt),
    })
    return queue
  }
  let count = 0
  const world = {
    engine,
    blobs,
    clock,
    faults,
    delivered,
    events,
    settled,
    queue: open('w1'),
    /** Another worker on the same store. */
    open,
    async put(
      to: readonly (string | (Omit<Recipient, 'address'> & { to: string; route?: string }))[],
      from: {
        sender?: string | null
        body?: string
        envelope?: Partial<Envelope>
        isReport?: boolean
        id?: string
        header?: string
      } = {},
    ): Promise<MessageId> {
      const id = (from.id ?? `m${String(++count).padStart(6, '0')}`) as MessageId
      const body = from.body ?? `Subject: hello\r\n${from.header ?? ''}\r\nbody of ${id}\r\n`
      const blob = await blobs.write(Buffer.from(body))
      const sender = from.sender === null ? undefined : address(from.sender ?? 'alice@home.test')
      const message: QueueMessage = {
        id,
        envelope: { sender, smtpUtf8: false, eightBit: false, requireTls: false, ...from.envelope },
        blob,
        size: Buffer.byteLength(body),
        arrivedAt: clock.now(),
        isReport: from.isReport ?? false,
        messageIdHeader: '<original@home.test>',
        subject: 'hello',
      }
      await engine.transact([], async (tx) => {
        world.queue.enqueueIn(
          tx,
          message,
          to.map((one) => {
            if (typeof one === 'string') return { recipient: { address: address(one) } }
            const { to: text, route, ...rest } = one
            return { recipient: { address: address(text), ...rest }, ...(route !== undefined && { route }) }
          }),
        )
      })
      await tick()
      return id
    },
    /** Is the blob of this many messages still linked? */
    async links(): Promise<number> {
      let links = 0
      for await (const batch of engine.scan(prefixRange('blob-link'))) links += batch.length
      return links
    },
    async keys(): Promise<number> {
      let keys = 0
      for await (const batch of engine.scan(prefixRange('queue'))) keys += batch.length
      return keys
    },
  }
  return world
}

export const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

export const NONE: ReadonlySet<string> = new Set()

/** The same result for every recipient of a claim. */
export function all(claim: Claim, kind: AttemptResult['kind'], attempt: Partial<Attempt> = {}) {
  const status = { delivered: '2.0.0', deferred: '4.3.0', failed: '5.1.1' }[kind]
  return new Map<number, AttemptResult>(
    claim.recipients.map(({ index }) => [
      index,
      { kind, attempt: { at: 0, ms: 5, status, text: `${kind} by the remote`, ...attempt } },
    ]),
  )
}

/** The servers of the claim are known to be away for so long. */
export const putOff = (claim: Claim, retryAfterMs: number) =>
  new Map<number, AttemptResult>(
    claim.recipients.map(({ index }) => [
      index,
      {
        kind: 'deferred',
        isUntried: true,
        retryAfterMs,
        attempt: { at: 0, ms: 0, status: '4.4.1', text: 'connection refused; not tried again so soon' },
      },
    ]),
  )

export const one = (claims: readonly Claim[]): Claim => claims[0] ?? raise('nothing was claimed')

export const names = (claim: Claim) => claim.recipients.map(({ recipient }) => formatAddress(recipient.address))
