import { type AccountId, MailError, type MailErrorCode, type MirrorLoad } from 'mailserver'

/** How much may wait to be written. */
export interface BacklogLimits {
  /** Octets of messages. */
  readonly bytes: number
  /** Messages that come, and other changes. */
  readonly operations: number
}

export interface Waiting extends MirrorLoad {
  /** Why the last try to write them failed. */
  readonly code?: MailErrorCode | undefined
}

/** One account alone may have this share of it, so that one Maildir that cannot be written does not stop the mail of all. */
const SHARE = 10
/** Changes to what is there already are taken for so much longer: they let people go on, and what they take is small. */
const CHANGES = 2
/** From this part of it on, who brings messages waits. */
const CROWDED = 0.5

const NOTHING: Waiting = { operations: 0, bytes: 0 }

/**
 * What has been committed and is not in its Maildir yet, over all workers, as this worker has heard of it. It may be behind
 * by what is being committed in this moment.
 */
export class Backlog {
  readonly #limits: BacklogLimits
  readonly #accounts = new Map<AccountId, Waiting>()
  #operations = 0
  #bytes = 0

  constructor(limits: BacklogLimits) {
    this.#limits = limits
  }

  get total(): MirrorLoad {
    return { operations: this.#operations, bytes: this.#bytes }
  }

  /** Accounts whose Maildirs could not be written when that was last tried. */
  get failing(): number {
    return [...this.#accounts.values()].filter(({ code }) => code !== undefined).length
  }

  entries(): [AccountId, Waiting][] {
    return [...this.#accounts]
  }

  clear(): void {
    this.#accounts.clear()
    this.#operations = 0
    this.#bytes = 0
  }

  /** More waits, or, with negative numbers, less. */
  add(account: AccountId, { operations, bytes }: MirrorLoad): void {
    const { code, ...before } = this.#accounts.get(account) ?? NOTHING
    const after = { operations: Math.max(0, before.operations + operations), bytes: Math.max(0, before.bytes + bytes) }
    this.set(account, { ...after, code })
  }

  set(account: AccountId, waiting: Waiting): void {
    const before = this.#accounts.get(account) ?? NOTHING
    this.#operations += waiting.operations - before.operations
    this.#bytes += waiting.bytes - before.bytes
    if (waiting.operations === 0) this.#accounts.delete(account)
    else this.#accounts.set(account, waiting)
  }

  /** Messages come faster than they are written: who brings them should wait a little. Not so when writing fails. */
  isCrowded(account: AccountId): boolean {
    const own = this.#accounts.get(account) ?? NOTHING
    if (own.code !== undefined) return false
    return this.#isOver(own, SHARE, CROWDED) || this.#isOver(this.total, 1, CROWDED)
  }

  /**
   * @param load what is asked for as well, and not committed yet
   * @throws MailError STORE_FULL, UNAVAILABLE when so much waits already that no more is taken
   */
  admit(account: AccountId, kind: 'message' | 'change', load: MirrorLoad = NOTHING): void {
    const own = this.#accounts.get(account) ?? NOTHING
    const isOver = (has: MirrorLoad, share: number) => {
      const all = { operations: has.operations + load.operations, bytes: has.bytes + load.bytes }
      return kind === 'message' ? this.#isOver(all, share) : this.#isOver({ ...all, bytes: 0 }, share, CHANGES)
    }
    const isFull = isOver(this.total, 1)
    if (!isFull && !isOver(own, SHARE)) return
    const code = own.code ?? this.#anyCode(isFull) ?? 'UNAVAILABLE'
    const whose = isFull ? 'the Maildirs' : `the Maildir of account ${account}`
    const waiting = isFull ? this.total : own
    throw new MailError(
      code,
      `${waiting.operations} changes with ${waiting.bytes} octets wait to be written to ${whose}; no more is taken`,
    )
  }

  #isOver(has: MirrorLoad, share: number, factor = 1): boolean {
    const { operations, bytes } = this.#limits
    return has.operations * share >= operations * factor || has.bytes * share >= bytes * factor
  }

  #anyCode(isFull: boolean): MailErrorCode | undefined {
    if (!isFull) return undefined
    for (const { code } of this.#accounts.values()) if (code !== undefined) return code
    return undefined
  }
}
