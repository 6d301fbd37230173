import type { Acl, Mailbox, Rights } from 'mailserver'
import type { AskedBatches } from './asked-batches.ts'
import { hasAny, type ReachedMailbox } from './mailbox-access.ts'
import type { MailboxMirror } from './mailbox-mirror.ts'
import { lowerBound } from './message-columns.ts'
import { RecentUids } from './recent-uids.ts'
import { largestOf, resolveSequenceSet, type SequenceSet } from './wire/sequence-set.ts'
import { SyntaxFault } from './wire/syntax-fault.ts'

/**
 * The selected mailbox as its client knows it: which UID has which sequence number. It lags behind the mirror until
 * `take…` and `grow` bring it up to date, which happens only where the protocol lets the client be told (RFC 3501
 * section 7.4.1). Positions count from 0, sequence numbers from 1.
 */
export class MailboxView {
  readonly mirror: MailboxMirror
  /** As it was when it was selected: another session may rename it. */
  readonly mailbox: Mailbox
  /** As its user names it. */
  readonly name: string
  readonly recent = new RecentUids()
  /** The client is told of `\Recent`, which IMAP4rev2 has no more (RFC 9051 appendix E). */
  hasRecent = true
  /** Keywords the client was told of. */
  announcedKeywords: number
  /** Called when there is something to tell, for IDLE. */
  onUpdate: (() => void) | undefined
  /** Messages that have come and gone since the mailbox was selected, as far as the client was told. */
  arrived = 0
  expunged = 0
  /** What it was asked for with UIDBATCHES. */
  askedBatches: AskedBatches | undefined
  /** What the client was last told it may change, as FLAGS and PERMANENTFLAGS have it. */
  toldRights: Rights
  readonly #isExamined: boolean
  readonly #rightsIn: (acl: Acl | undefined) => Rights
  #acl: Acl | undefined
  #rights: Rights
  #uids: Uint32Array
  #count: number
  #hasNew = false
  readonly #flags = new Set<number>()
  readonly #expunged = new Set<number>()
  readonly #stopListening: () => void

  /**
   * @param isExamined nothing may be changed, whatever the rights
   * @param rightsIn what the user may do by an access control list, which others may change at any time
   */
  constructor(
    mirror: MailboxMirror,
    { mailbox, name }: ReachedMailbox,
    isExamined: boolean,
    rightsIn: (acl: Acl | undefined) => Rights,
  ) {
    this.mirror = mirror
    this.mailbox = mailbox
    this.name = name
    this.#isExamined = isExamined
    this.#rightsIn = rightsIn
    this.#acl = mirror.acl
    this.#rights = rightsIn(mirror.acl)
    this.toldRights = this.#rights
    this.announcedKeywords = mirror.columns.flagSets.keywordCount
    this.#uids = mirror.columns.uids
    this.#count = mirror.columns.count
    this.#stopListening = mirror.listen(this, (change) => {
      for (const uid of change.flags) if (this.positionOf(uid) !== -1) this.#flags.add(uid)
      for (const uid of change.expunged) if (this.positionOf(uid) !== -1) this.#expunged.add(uid)
      this.#hasNew ||= change.hasNew
      this.onUpdate?.()
    })
  }

  close(): void {
    this.onUpdate = undefined
    this.#stopListening()
  }

  /** What the user may do with the mailbox now. */
  get rights(): Rights {
    if (this.#acl !== this.mirror.acl) {
      this.#acl = this.mirror.acl
      this.#rights = this.#rightsIn(this.#acl)
    }
    return this.#rights
  }

  /** Has the user the right, and did not give it up by EXAMINE? */
  can(right: string): boolean {
    return !this.#isExamined && this.rights.includes(right)
  }

  /** RFC 4314 section 5.2: nothing may be changed. */
  get isReadOnly(): boolean {
    return this.#isExamined || !hasAny(this.rights, 'ieswt')
  }

  get count(): number {
    return this.#count
  }
  get hasUpdates(): boolean {
    return (
      this.#hasNew ||
      this.#flags.size > 0 ||
      this.#expunged.size > 0 ||
      this.mirror.isDeleted ||
      this.rights !== this.toldRights
    )
  }

  uidAt(position: number): number {
    return this.#uids[position] as number
  }

  /** -1 when the client does not know the UID. */
  positionOf(uid: number): number {
    const at = lowerBound(this.#uids, this.#count, uid)
    return at < this.#count && this.#uids[at] === uid ? at : -1
  }

  /** Messages whose UIDs lie between, both ends included. */
  countBetween(from: number, to: number): number {
    return lowerBound(this.#uids, this.#count, to + 1) - lowerBound(this.#uids, this.#count, from)
  }

  /** Row of the mirror for a position; -1 when the message is gone and the client does not know it yet. */
  rowAt(position: number): number {
    return this.mirror.columns.rowOf(this.#uids[position] as number, position)
  }

  /** Rising positions of the messages that the set names. @throws SyntaxFault for a sequence number that is not there */
  positions(set: SequenceSet, isUid: boolean): Uint32Array {
    return isUid ? this.#positionsOfUids(set) : this.#positionsOfNumbers(set)
  }

  uidsAt(positions: Uint32Array): number[] {
    const uids: number[] = []
    for (const position of positions) uids.push(this.#uids[position] as number)
    return uids
  }

  /** The client is told of the messages that came. @returns false when there are none */
  grow(): boolean {
    if (!this.#hasNew) return false
    this.#hasNew = false
    const { uids, count } = this.mirror.columns
    const last = this.#count === 0 ? 0 : (this.#uids[this.#count - 1] as number)
    const first = lowerBound(uids, count, last + 1)
    if (first === count) return false
    this.arrived += count - first
    if (this.#expunged.size === 0) {
      this.#uids = uids
      this.#count = count
      return true
    }
    const grown = new Uint32Array(this.#count + count - first)
    grown.set(this.#uids.subarray(0, this.#count))
    grown.set(uids.subarray(first, count), this.#count)
    this.#uids = grown
    this.#count = grown.length
    return true
  }

  /**
   * The client is told that messages are gone. @returns their sequence numbers in the order to say them, highest first,
   * so that each is right when it is said
   */
  takeExpunged(): readonly { readonly sequence: number; readonly uid: number }[] {
    if (this.#expunged.size === 0) return []
    const gone = Array.from(this.#expunged, (uid) => ({ sequence: this.positionOf(uid) + 1, uid }))
      .filter(({ sequence }) => sequence > 0)
      .sort((a, b) => b.sequence - a.sequence)
    const left = this.#uids.subarray(0, this.#count).filter((uid) => !this.#expunged.has(uid))
    for (const uid of this.#expunged) this.#flags.delete(uid)
    this.#expunged.clear()
    this.expunged += gone.length
    this.#uids = left
    this.#count = left.length
    // Nothing else is pending: one column serves this view and the mirror again.
    if (!this.#hasNew && this.mirror.columns.count === left.length) this.#uids = this.mirror.columns.uids
    return gone
  }

  /** The client is told of changed flags. @returns positions of messages that are still there */
  takeFlags(): readonly number[] {
    if (this.#flags.size === 0) return []
    const positions = Array.from(this.#flags, (uid) => this.positionOf(uid))
    this.#flags.clear()
    return positions.filter((position) => position !== -1 && this.rowAt(position) !== -1).sort((a, b) => a - b)
  }

  /** The client has just been told the flags of this message. */
  forgetFlags(uid: number): void {
    if (this.#flags.size > 0) this.#flags.delete(uid)
  }

  #positionsOfNumbers(set: SequenceSet): Uint32Array {
    const largest = largestOf(set)
    if (this.#count === 0 || (largest !== Number.POSITIVE_INFINITY && largest > this.#count)) {
      throw new SyntaxFault('No such message sequence number')
    }
    return filled(resolveSequenceSet(set, this.#count).map(([from, to]) => [from - 1, to]))
  }

  /** UIDs that do not exist are left out; `*` is the last one that does (RFC 3501 section 6.4.8). */
  #positionsOfUids(set: SequenceSet): Uint32Array {
    if (this.#count === 0) return new Uint32Array()
    const ranges = resolveSequenceSet(set, this.uidAt(this.#count - 1))
    return filled(
      ranges.map(([from, to]) => [
        lowerBound(this.#uids, this.#count, from),
        lowerBound(this.#uids, this.#count, to + 1),
      ]),
    )
  }
}

/** Every number of the half-open ranges. */
function filled(ranges: readonly (readonly [from: number, end: number])[]): Uint32Array {
  const numbers = new Uint32Array(ranges.reduce((total, [from, end]) => total + end - from, 0))
  let at = 0
  for (const [from, end] of ranges) for (let number = from; number < end; number++) numbers[at++] = number
  return numbers
}
