import type { Clock } from '../kernel/clock.ts'
import type { Engine, Range, Transaction } from '../store/engine.ts'
import type { DueDestinations } from './due-destinations.ts'
import {
  allClaims,
  allDue,
  claimKey,
  claimValue,
  type DueEntry,
  decodeMessage,
  decodeRecipient,
  destinationOf,
  dueFrom,
  dueKey,
  dueOf,
  encode,
  messageKey,
  messageScope,
  NOTHING,
  publicMessage,
  publicRecipient,
  readClaim,
  readDueKey,
  recipientKey,
  type StoredRecipient,
} from './layout.ts'
import type { Claim, MessageId } from './queue.ts'

/** RFC 5321 section 4.5.3.1.8: every server takes this many recipients in one transaction; few promise more. */
const RECIPIENTS_PER_CLAIM = 100

/** Recipients that most messages have at most in one domain. */
const FEW_RECIPIENTS = 8

/**
 * How long a claim lasts when its worker neither settles nor dies in a way that frees its lease. Longer than any
 * attempt may take, so that nothing is delivered twice by a worker that is merely slow.
 */
const CLAIM_MS = 3_600_000

const LEASE_MS = 30_000

export interface ClaimsParts {
  readonly engine: Engine
  readonly clock: Clock
  readonly due: DueDestinations
  /** Names this worker's generation; never used again. */
  readonly owner: string
  /** Tells every worker that something is due. */
  readonly announce: (destination: string, dueAt: number) => void
}

/** Entries of one message whose worker does not hold them any more. */
export interface Orphan {
  readonly id: MessageId
  readonly owner: string
  readonly indexes: readonly number[]
}

/** Entries in the hands of workers. A claim is not synced: losing it in a power failure costs one more attempt. */
export class Claims {
  readonly #parts: ClaimsParts

  constructor(parts: ClaimsParts) {
    this.#parts = parts
  }

  /** The Engine lease that shows that a worker lives: whoever can take it knows that its claims are orphans. */
  static leaseOf(owner: string): { name: string; ttlMs: number } {
    return { name: `queue:worker:${owner}`, ttlMs: LEASE_MS }
  }

  /**
   * Takes what is due of these destinations, oldest first, in turns, so that none of them starves the others.
   * @param room how many claims one destination may get now
   */
  async take(destinations: readonly string[], limit: number, room: (destination: string) => number): Promise<Claim[]> {
    const { engine, clock, due } = this.#parts
    const now = clock.now()
    const share = Math.max(1, Math.ceil(limit / Math.max(1, destinations.length)))
    const candidates = await Promise.all(
      destinations.map((destination) => this.#candidates(destination, now, Math.min(share, room(destination)))),
    )
    const chosen = inTurns(candidates).slice(0, limit)
    const isChosen = new Set(chosen)
    const remember = (groups: readonly (readonly DueEntry[])[]) => {
      for (const [first] of groups) if (first !== undefined) due.lower(first.destination, first.dueAt)
    }
    remember(candidates.flat().filter((group) => !isChosen.has(group)))
    const ids = [...new Set(chosen.map(([first]) => first?.id as MessageId))]
    if (ids.length === 0) return []
    try {
      return await engine.transactRelaxed(ids.map(messageScope), (tx) => this.#commit(tx, chosen, now))
    } catch (error) {
      remember(chosen)
      throw error
    }
  }

  /** Finds every destination that has something waiting, by seeking from one to the next. */
  async lookAtAll(): Promise<void> {
    const { engine, due } = this.#parts
    const { gte, lt } = allDue()
    for (let from = gte; ; ) {
      const head = await firstDue(engine, { gte: from, lt })
      if (head === undefined) return
      due.lower(head.destination, head.dueAt)
      from = dueOf(head.destination).lt
    }
  }

  /**
   * The first messages due of one destination: at most `limit` groups of entries of one message each. What comes after
   * them is what waits for the destination from now on.
   */
  async #candidates(destination: string, now: number, limit: number): Promise<DueEntry[][]> {
    if (limit <= 0) return []
    let groups: DueEntry[][] = []
    await this.#parts.due.look(destination, async (from) => {
      // Nearly every message has few recipients: only what is cut by this is worth reading as far as a claim may go.
      for (const more of [FEW_RECIPIENTS, RECIPIENTS_PER_CLAIM]) {
        const found = await this.#groups(destination, from, now, limit, limit + more)
        groups = found.groups
        if (!found.isCut) return found.next
      }
      // What was read may end in the middle of a message: its recipients go together, so it waits for the next claim.
      const cut = groups.length > 1 ? groups.pop() : groups[0]
      return cut?.[0]?.dueAt
    })
    return groups
  }

  /**
   * Groups of what is due, of the first `most` entries.
   * @returns `next`: when what comes after them is due; `isCut`: the last group may go on
   */
  async #groups(destination: string, from: number, now: number, limit: number, most: number) {
    const groups: DueEntry[][] = []
    let read = 0
    for await (const batch of this.#parts.engine.scan({ ...dueFrom(destination, from), limit: most })) {
      read += batch.length
      for (const [bytes] of batch) {
        const entry = readDueKey(bytes)
        const last = groups.at(-1)
        if (entry.dueAt > now) return { groups, next: entry.dueAt, isCut: false }
        if (last?.[0]?.id === entry.id && last.length < RECIPIENTS_PER_CLAIM) last.push(entry)
        else if (groups.length < limit) groups.push([entry])
        else return { groups, next: entry.dueAt, isCut: false }
      }
    }
    return { groups, next: undefined, isCut: read >= most }
  }

  /** Writes the claims; entries that changed since they were read are left out. */
  async #commit(tx: Transaction, chosen: readonly DueEntry[][], now: number): Promise<Claim[]> {
    const { owner } = this.#parts
    const entries = chosen.flat()
    const messages = await tx.getMany(chosen.map(([first]) => messageKey(first?.id as MessageId)))
    const records = await tx.getMany(entries.map(({ id, index }) => recipientKey(id, index)))
    const claims: Claim[] = []
    let at = 0
    for (const [group, entriesOfOne] of chosen.entries()) {
      const bytes = messages[group]
      const recipients: StoredRecipient[] = []
      for (const entry of entriesOfOne) {
        const value = records[at++]
        const stored = value === undefined ? undefined : decodeRecipient(value)
        const isCurrent = stored?.state === 'waiting' && stored.dueAt === entry.dueAt
        tx.delete(dueKey(entry.destination, entry.dueAt, entry.id, entry.index))
        if (bytes === undefined || stored === undefined || !isCurrent) continue
        const claimed: StoredRecipient = { ...stored, state: 'delivering', owner }
        tx.put(recipientKey(entry.id, entry.index), encode(claimed))
        tx.put(claimKey(owner, entry.id, entry.index), claimValue(now + CLAIM_MS))
        recipients.push(claimed)
      }
      const [first] = entriesOfOne
      if (bytes === undefined || first === undefined || recipients.length === 0) continue
      claims.push({
        message: publicMessage(decodeMessage(bytes)),
        destination: first.destination,
        recipients: recipients.map(publicRecipient),
      })
    }
    return claims
  }

  /**
   * Puts entries back as they were before the claim.
   * @returns entries that an operator has given up in the meantime: they are left as they are, for the caller to end
   */
  async giveBack(id: MessageId, indexes: readonly number[], owner: string): Promise<readonly number[]> {
    const { engine, announce } = this.#parts
    return engine.transactRelaxed([messageScope(id)], async (tx) => {
      const records = await tx.getMany(indexes.map((index) => recipientKey(id, index)))
      const givenUp: number[] = []
      for (const [at, index] of indexes.entries()) {
        const value = records[at]
        const stored = value === undefined ? undefined : decodeRecipient(value)
        if (stored?.state !== 'delivering' || stored.owner !== owner) {
          tx.delete(claimKey(owner, id, index))
          continue
        }
        const { owner: _, mark, ...rest } = stored
        if (mark?.kind === 'remove' || mark?.kind === 'bounce') {
          givenUp.push(index)
          continue
        }
        tx.delete(claimKey(owner, id, index))
        if (mark?.kind === 'hold') {
          tx.put(recipientKey(id, index), encode({ ...rest, state: 'held' }))
          continue
        }
        const destination = destinationOf(rest)
        tx.put(recipientKey(id, index), encode({ ...rest, state: 'waiting' }))
        tx.put(dueKey(destination, rest.dueAt, id, index), NOTHING)
        tx.afterCommit(() => announce(destination, rest.dueAt))
      }
      return givenUp
    })
  }

  /** Claims of workers that are gone, and those that have run out. */
  async orphans(): Promise<Orphan[]> {
    const { engine, clock, owner: self } = this.#parts
    const isGone = new Map<string, boolean>([[self, false]])
    const orphans = new Map<string, Orphan & { indexes: number[] }>()
    for await (const batch of engine.scan(allClaims())) {
      for (const entry of batch) {
        const { owner, id, index, until } = readClaim(entry)
        const gone = isGone.get(owner) ?? (await this.#isGone(owner))
        isGone.set(owner, gone)
        if (!gone && until > clock.now()) continue
        const name = `${owner} ${id}`
        const orphan = orphans.get(name) ?? { id, owner, indexes: [] }
        orphan.indexes.push(index)
        orphans.set(name, orphan)
      }
    }
    return [...orphans.values()]
  }

  async #isGone(owner: string): Promise<boolean> {
    const { name, ttlMs } = Claims.leaseOf(owner)
    const lease = await this.#parts.engine.lease(name, ttlMs)
    await lease?.release()
    return lease !== undefined
  }
}

async function firstDue(engine: Engine, range: Range): Promise<DueEntry | undefined> {
  for await (const batch of engine.scan({ ...range, limit: 1 })) {
    for (const [bytes] of batch) return readDueKey(bytes)
  }
  return undefined
}

/** The first of each list, then the second of each, and so on. */
function inTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const mixed: T[] = []
  for (let round = 0; ; round++) {
    const before = mixed.length
    for (const list of lists) {
      const item = list[round]
      if (item !== undefined) mixed.push(item)
    }
    if (mixed.length === before) return mixed
  }
}
