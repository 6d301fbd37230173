import type { AccountId, BlobRef, MailboxId, MirrorCommit, MirrorOperation } from 'mailserver'
import { parseMessageRef } from '../names/message-ref.ts'
import type { Arriving } from './apply-messages.ts'

/** A message that is to be written, and whose bytes in the store cannot be read. */
export interface Withheld {
  /** MODSEQ of its commit: there it stays in the journal. */
  readonly modSeq: bigint
  /** Takes the message from its blob, whatever way it has gone since: it needs no other message. */
  readonly operation: Arriving
}

/**
 * Messages that cannot be written, of all accounts. They stay in the journal, so nobody takes them for removed, and whoever
 * reads them is told why that fails; everything that comes behind them is done.
 */
export class WithheldMessages {
  readonly #accounts = new Map<AccountId, ReadonlyMap<BlobRef, Withheld>>()
  /** Those that the log has told of. */
  readonly #named = new Set<BlobRef>()

  get size(): number {
    let size = 0
    for (const messages of this.#accounts.values()) size += messages.size
    return size
  }

  of(account: AccountId): ReadonlyMap<BlobRef, Withheld> {
    return this.#accounts.get(account) ?? new Map()
  }

  get(ref: BlobRef): Withheld | undefined {
    const account = parseMessageRef(ref)?.account
    return account === undefined ? undefined : this.#accounts.get(account)?.get(ref)
  }

  set(account: AccountId, messages: ReadonlyMap<BlobRef, Withheld>): void {
    if (messages.size === 0) this.#accounts.delete(account)
    else this.#accounts.set(account, messages)
  }

  /** They are to be tried again; should that fail, the log has told of them. */
  retry(account: AccountId, refs: ReadonlySet<BlobRef>): void {
    this.set(account, new Map([...this.of(account)].filter(([ref]) => !refs.has(ref))))
  }

  /** @returns whether the log is to tell of it */
  isNews(ref: BlobRef): boolean {
    const isNews = !this.#named.has(ref)
    this.#named.add(ref)
    return isNews
  }

  /** All of the account has been tried: what is not withheld now is written or gone. */
  settle(account: AccountId): void {
    const messages = this.of(account)
    for (const ref of this.#named) {
      if (!messages.has(ref) && parseMessageRef(ref)?.account === account) this.#named.delete(ref)
    }
  }

  /** The account is let go: who keeps it next finds them in the journal. */
  forget(account: AccountId): void {
    this.set(account, new Map())
    this.settle(account)
  }
}

/** What becomes of the withheld messages of one account while some of its commits are done. */
export class Withholding {
  readonly #all: WithheldMessages
  readonly #before: ReadonlyMap<BlobRef, Withheld>
  readonly #now: Map<BlobRef, Withheld>

  constructor(all: WithheldMessages, account: AccountId) {
    this.#all = all
    this.#before = all.of(account)
    this.#now = new Map(this.#before)
  }

  get messages(): ReadonlyMap<BlobRef, Withheld> {
    return this.#now
  }

  /** Is it one that was withheld before, and not tried again? */
  holds(ref: BlobRef): boolean {
    return this.#now.has(ref)
  }

  /** It is gone from the store. */
  drop(ref: BlobRef): void {
    this.#now.delete(ref)
  }

  withhold(operation: Arriving, modSeq: bigint): void {
    this.#now.set(operation.ref, { modSeq, operation })
  }

  /**
   * Follows messages that are not in their folders where an operation leads them.
   * @returns whether nothing is left to be done in the files
   */
  follow(operation: MirrorOperation, modSeq: bigint): boolean {
    if (operation.kind === 'removed') return this.#now.delete(operation.ref)
    if (operation.kind === 'mailbox-removed') this.#removeMailbox(operation.mailbox)
    if (operation.kind !== 'added' && operation.kind !== 'moved') return false
    if (this.#now.has(operation.ref)) return true
    const original = this.#now.get(operation.source) ?? this.#all.get(operation.source)
    if (original === undefined) return false
    const { source, bytes } = original.operation
    this.withhold({ ...operation, kind: 'added', source, ...(bytes !== undefined && { bytes }) }, modSeq)
    if (operation.kind === 'moved') this.#now.delete(operation.source)
    return true
  }

  #removeMailbox(mailbox: MailboxId): void {
    for (const [ref, { operation }] of this.#now) if (operation.mailbox === mailbox) this.#now.delete(ref)
  }

  /**
   * What to confirm once the commits are done: earlier ones are changed where their messages are withheld no more.
   * @returns commits that are done, and what of them is to be kept
   */
  settled(commits: readonly MirrorCommit[]): { done: readonly MirrorCommit[]; kept: readonly MirrorCommit[] } {
    const gone = [...this.#before].filter(([ref]) => !this.#now.has(ref)).map(([, one]) => one)
    const isDone = new Set(commits.map(({ modSeq }) => modSeq))
    const earlier = [...new Set(gone.map(({ modSeq }) => modSeq))].filter((modSeq) => !isDone.has(modSeq))
    return {
      done: [...commits, ...commitsOf(this.#before, earlier)],
      kept: commitsOf(this.#now, [...isDone, ...earlier]),
    }
  }
}

function commitsOf(messages: ReadonlyMap<BlobRef, Withheld>, modSeqs: readonly bigint[]): MirrorCommit[] {
  const commits = new Map<bigint, MirrorOperation[]>(modSeqs.map((modSeq) => [modSeq, []]))
  for (const { modSeq, operation } of messages.values()) commits.get(modSeq)?.push(operation)
  return [...commits]
    .filter(([, operations]) => operations.length > 0)
    .map(([modSeq, operations]) => ({ modSeq, operations }))
}
