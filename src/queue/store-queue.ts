import type { Clock } from '../kernel/clock.ts'
import type { RelayAttempt } from '../kernel/moments.ts'
import { formatAddress } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Engine, Lease, Transaction } from '../store/engine.ts'
import { Claims } from './claims.ts'
import { DueDestinations } from './due-destinations.ts'
import { addMessage } from './entries.ts'
import { EntryList } from './entry-list.ts'
import { DUE_TOPIC, RETRY_TOPIC, type StoredRecipient } from './layout.ts'
import { hold, markToBounce, release, remove, rerouteTo, retryAt } from './operator-decisions.ts'
import { failure, givenUp, type OutcomeContext, outcomeOf } from './outcome.ts'
import { Pauses } from './pauses.ts'
import type { AttemptResult, Claim, MessageId, Queue, QueueFilter, QueueMessage, RetrySchedule } from './queue.ts'
import { SettleGroups } from './settle-groups.ts'
import { type Decide, type Settled, Settlement, type SettlementParts, type Settling } from './settlement.ts'

export interface StoreQueueParts extends Omit<SettlementParts, 'announce'> {
  readonly engine: Engine
  readonly clock: Clock
  readonly schedule: RetrySchedule
  /** Names this worker's generation; never used again. */
  readonly owner: string
  /** Hears of what became of recipients, once it is on disk. */
  readonly onSettled: (attempt: RelayAttempt) => void
  /** 0 to 1. */
  readonly random: () => number
}

/** Messages that a command works on at the same time: their commits share syncs. */
const COMMAND_WIDTH = 32

/** How often the index in memory is read anew, in case an announcement was lost. */
const REFRESH_MS = 600_000

/** A timer takes no more than some weeks; to wake early costs one look. */
const MAX_WAIT_MS = 3_600_000

const BY_OPERATOR = 'Given up by the operator'

/** The queue on top of the Engine. One for each worker; they meet in the store alone. */
export class StoreQueue implements Queue {
  readonly #parts: StoreQueueParts
  readonly #due = new DueDestinations()
  readonly #claims: Claims
  readonly #settlement: Settlement
  readonly #groups: SettleGroups
  readonly #pauses: Pauses
  readonly #entries: EntryList
  readonly #waiters = new Set<() => void>()
  readonly #announce = (destination: string, dueAt: number) =>
    this.#parts.engine.publish(DUE_TOPIC, `${dueAt} ${destination}`)
  /** Something became due, or may have, since the last claim looked. */
  #isStirred = true
  #isStopped = false
  #claimedAt = 0
  #lease: Lease | undefined
  #unwatch: (() => void) | undefined
  #cancelRefresh: (() => void) | undefined

  constructor(parts: StoreQueueParts) {
    const { engine, clock, owner } = parts
    this.#parts = parts
    this.#claims = new Claims({ engine, clock, due: this.#due, owner, announce: this.#announce })
    this.#settlement = new Settlement({ ...parts, announce: this.#announce })
    this.#groups = new SettleGroups((group) => this.#settlement.runTogether(group))
    this.#pauses = new Pauses(engine)
    this.#entries = new EntryList(engine)
  }

  /** Begins to hand out claims: takes the lease that shows this worker lives, and what dead ones left behind. */
  async start(): Promise<void> {
    const { engine } = this.#parts
    await this.#showLife()
    this.#unwatch = engine.watch(DUE_TOPIC, (text) => this.#hear(text))
    await this.recover()
    await this.#refresh()
  }

  /** Lets go of the lease: claims that are still held come back when the next worker looks. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unwatch?.()
    this.#cancelRefresh?.()
    await this.#lease?.release()
    this.#lease = undefined
  }

  /** Brings back entries whose worker is gone. Returns how many. */
  async recover(): Promise<number> {
    let count = 0
    for (const { id, owner, indexes } of await this.#claims.orphans()) {
      await this.#giveBack(id, indexes, owner)
      count += indexes.length
    }
    return count
  }

  enqueueIn(
    tx: Transaction,
    message: QueueMessage,
    recipients: readonly { recipient: Recipient; route?: string }[],
  ): void {
    if (recipients.length === 0) return
    const dueAt = this.#parts.clock.now()
    const entries = recipients.map(
      ({ recipient, route }, index): StoredRecipient => ({
        message: message.id,
        index,
        recipient,
        state: 'waiting',
        attempts: 0,
        dueAt,
        expiresAt: message.arrivedAt + this.#parts.schedule.lifetimeMs,
        ...(route !== undefined && { route }),
      }),
    )
    addMessage(tx, message, entries, this.#announce)
  }

  async claim(
    limit: number,
    busy: ReadonlySet<string>,
    room: (destination: string) => number = () => Number.POSITIVE_INFINITY,
  ): Promise<readonly Claim[]> {
    if (limit <= 0) return []
    this.#isStirred = false
    this.#claimedAt = this.#parts.clock.now()
    const { all, destinations } = await this.#pauses.read().catch((error: unknown) => {
      this.#isStirred = true
      throw error
    })
    if (all) return []
    const paused = new Set(destinations)
    const isWanted = (name: string) => !busy.has(name) && !paused.has(name) && room(name) > 0
    for (;;) {
      const ready = this.#due.ready(this.#claimedAt, limit, isWanted)
      if (ready.length === 0) return []
      // There may be more than fits in: the next claim tells.
      this.#isStirred = true
      const claims = await this.#claims.take(ready, limit, room)
      // Nothing: what was known of these is out of date, and has been put right.
      if (claims.length > 0) return claims
    }
  }

  async settle(claim: Claim, results: ReadonlyMap<number, AttemptResult>): Promise<void> {
    const { id } = claim.message
    const context = this.#context()
    const indexes = claim.recipients.map(({ index }) => index)
    const settled = indexes.filter((index) => results.has(index))
    const decide: Decide = (stored, message, canReport) =>
      outcomeOf(stored, results.get(stored.index) as AttemptResult, {
        ...context,
        arrivedAt: message.arrivedAt,
        canReport,
      })
    const needsSync = [...results.values()].some((result) => result.kind !== 'deferred' || !result.isUntried)
    if (settled.length > 0) {
      const settling: Settling = { id, indexes: settled, now: context.now, decide, needsSync }
      this.#tell((await this.#groups.add(settling)) ?? (await this.#settlement.run(settling)))
    }
    const untouched = indexes.filter((index) => !results.has(index))
    if (untouched.length > 0) await this.#giveBack(id, untouched, this.#parts.owner)
  }

  async unclaim(claim: Claim): Promise<void> {
    const indexes = claim.recipients.map(({ index }) => index)
    await this.#giveBack(claim.message.id, indexes, this.#parts.owner)
  }

  nextDue(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#isStirred) return Promise.resolve()
    const { clock } = this.#parts
    return new Promise((resolve) => {
      const next = this.#due.next(this.#claimedAt)
      const cancel =
        next === undefined
          ? undefined
          : clock.after(Math.min(MAX_WAIT_MS, Math.max(0, next - clock.now())), () => done())
      const done = () => {
        cancel?.()
        this.#waiters.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiters.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  list(filter: QueueFilter, page?: { after?: string; limit?: number }) {
    return this.#entries.page(filter, page)
  }

  count(filter: QueueFilter): Promise<number> {
    return this.#entries.count(filter)
  }

  retry(filter: QueueFilter): Promise<number> {
    this.#parts.engine.publish(RETRY_TOPIC, '')
    return this.#change(filter, retryAt(this.#parts.clock.now()))
  }

  hold(filter: QueueFilter): Promise<number> {
    return this.#change(filter, hold)
  }

  release(filter: QueueFilter): Promise<number> {
    return this.#change(filter, release)
  }

  bounce(filter: QueueFilter, reason: string = BY_OPERATOR): Promise<number> {
    const { clock } = this.#parts
    return this.#change(filter, (stored, message, canReport) => {
      if (stored.state === 'delivering') return markToBounce(stored, reason)
      const context = { ...this.#context(), arrivedAt: message.arrivedAt, canReport }
      const outcome = failure(stored, givenUp(clock.now(), reason, stored.lastAttempt), context)
      // Its sender cannot be told now: it is left as it is, and not counted.
      return outcome.kind === 'failed' ? outcome : undefined
    })
  }

  remove(filter: QueueFilter): Promise<number> {
    return this.#change(filter, remove)
  }

  reroute(filter: QueueFilter, route: string | undefined): Promise<number> {
    return this.#change(filter, rerouteTo(route, this.#parts.clock.now()))
  }

  async pause(destination?: string): Promise<void> {
    await this.#setPaused(destination, true)
  }

  async resume(destination?: string): Promise<void> {
    await this.#setPaused(destination, false)
  }

  paused() {
    return this.#pauses.read()
  }

  onRetry(listener: () => void): () => void {
    return this.#parts.engine.watch(RETRY_TOPIC, listener)
  }

  #context(): Omit<OutcomeContext, 'arrivedAt' | 'canReport'> {
    const { schedule, clock, random, owner } = this.#parts
    return { schedule, now: clock.now(), random: random(), owner }
  }

  async #change(filter: QueueFilter, decide: Decide): Promise<number> {
    let count = 0
    const running = new Set<Promise<void>>()
    for await (const { id, indexes } of this.#entries.byMessage(filter)) {
      const one = this.#run(id, indexes, decide).then((settled) => {
        count += settled.length
        running.delete(one)
      })
      running.add(one)
      if (running.size >= COMMAND_WIDTH) await Promise.race(running)
    }
    await Promise.all(running)
    return count
  }

  async #run(id: MessageId, indexes: readonly number[], decide: Decide): Promise<readonly Settled[]> {
    const now = this.#parts.clock.now()
    const settled = await this.#settlement.run({ id, indexes, now, decide, needsSync: true })
    this.#tell(settled)
    return settled
  }

  #tell(settled: readonly Settled[]): void {
    for (const attempt of attemptsOf(settled)) this.#parts.onSettled(attempt)
  }

  async #setPaused(destination: string | undefined, isPaused: boolean): Promise<void> {
    await this.#pauses.set(destination, isPaused)
    this.#parts.engine.publish(DUE_TOPIC, '')
  }

  /** Puts claimed entries back; those that an operator gave up while they were claimed end here. */
  async #giveBack(id: MessageId, indexes: readonly number[], owner: string): Promise<void> {
    const givenUpIndexes = await this.#claims.giveBack(id, indexes, owner)
    if (givenUpIndexes.length === 0) return
    const { clock } = this.#parts
    await this.#run(id, givenUpIndexes, (stored, message, canReport) => {
      if (stored.owner !== owner) return undefined
      if (stored.mark?.kind !== 'bounce') return { kind: 'removed' }
      const attempt = givenUp(clock.now(), stored.mark.reason, stored.lastAttempt)
      return failure(stored, attempt, { ...this.#context(), arrivedAt: message.arrivedAt, canReport })
    })
  }

  #hear(text: string): void {
    const space = text.indexOf(' ')
    if (space > 0) this.#due.lower(text.slice(space + 1), Number(text.slice(0, space)))
    else this.#pauses.forget()
    this.#isStirred = true
    for (const wake of [...this.#waiters]) wake()
  }

  /** Holds the lease by which others see that this worker's claims are in good hands. */
  async #showLife(): Promise<void> {
    const { engine, owner, log, clock } = this.#parts
    const { name, ttlMs } = Claims.leaseOf(owner)
    this.#lease = await engine.lease(name, ttlMs)
    this.#lease?.lost.addEventListener('abort', () => {
      if (this.#isStopped) return
      log.warn({ lease: name }, 'the lease of the queue was lost; messages in delivery may be sent twice')
      clock.after(ttlMs, () => void this.#showLife().catch((err) => log.error({ err }, 'the lease cannot be had')))
    })
  }

  async #refresh(): Promise<void> {
    await this.#claims.lookAtAll()
    this.#hear('')
    if (this.#isStopped) return
    this.#cancelRefresh = this.#parts.clock.after(REFRESH_MS, () => {
      this.#refresh().catch((err) => this.#parts.log.warn({ err }, 'the queue could not be read anew'))
    })
  }
}

/** One for each way in which recipients ended, and each answer they got. */
function attemptsOf(settled: readonly Settled[]): RelayAttempt[] {
  const groups = new Map<string, RelayAttempt & { recipients: string[] }>()
  for (const { message, recipient, outcome } of settled) {
    if (!('attempt' in outcome)) continue
    const { status, text } = outcome.attempt
    const destination = recipient.route ?? recipient.recipient.address.domain
    const name = JSON.stringify([outcome.kind, destination, status, text])
    const group = groups.get(name) ?? {
      message: message.id,
      destination,
      recipients: [],
      outcome: outcome.kind,
      status,
      text,
    }
    group.recipients.push(formatAddress(recipient.recipient.address))
    groups.set(name, group)
  }
  return [...groups.values()]
}
