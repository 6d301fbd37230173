import { MailError } from '../errors/mail-error.ts'
import { linkIn, relinkIn, unlinkIn } from './blob-links.ts'
import type { BlobRef } from './blob-store.ts'
import { type Change, changeOf, keepLogBounded, writeChanges } from './changes/change-log.ts'
import { formatNotice, noticeTopic } from './changes/notice.ts'
import type { Transaction } from './engine.ts'
import { accountKey, countersKey, messageOwner } from './layout.ts'
import { type AccountId, accountScope, type MailboxId, type MetadataOwner } from './mail-store.ts'
import { MailboxPages } from './mailbox-pages.ts'
import type { MirrorLoad, MirrorOperation } from './mirror/mailbox-mirror.ts'
import { loadOf, mirrorOwner, writeJournal } from './mirror/mirror-journal.ts'
import { type AccountRecord, decodeAccount, encodeAccount, newAccountRecord } from './records/account-record.ts'
import { decodeCounters, encodeCounters, type MailboxCounters, newCounters } from './records/mailbox-counters.ts'
import { mailboxId, mailboxNumber } from './records/mailbox-record.ts'
import type { StoreContext } from './store-context.ts'

type Place = readonly [mailbox: number, uid: number]

interface StoredMessage {
  readonly size: number
  readonly internalDate: number
}

const NOTHING: MirrorLoad = { operations: 0, bytes: 0 }
/** What a mirror that cannot keep up is not given for ever; messages that come in are asked for one by one. */
const GROWING: ReadonlySet<MirrorOperation['kind']> = new Set([
  'moved',
  'flags',
  'mailbox-added',
  'mailbox-renamed',
  'subscriptions',
  'quota',
])

/**
 * One change of an account, inside a transaction that holds its scope: gives out MODSEQ, keeps the counters, writes
 * the log, and tells the watchers once it is on disk. Whatever changes an account goes through here.
 */
export class AccountCommit {
  readonly tx: Transaction
  readonly account: AccountId
  readonly record: AccountRecord
  readonly now: number
  readonly #context: StoreContext
  readonly #counters: Map<number, MailboxCounters>
  readonly #dirty = new Set<number>()
  readonly #pages = new Map<number, MailboxPages>()
  readonly #changes: Change[] = []
  readonly #mirrored: MirrorOperation[] = []
  #load: MirrorLoad = NOTHING
  readonly #previous: bigint
  #isUnchanged = false

  private constructor(
    context: StoreContext,
    tx: Transaction,
    account: AccountId,
    loaded: { record: AccountRecord; counters: Map<number, MailboxCounters> },
  ) {
    this.#context = context
    this.tx = tx
    this.account = account
    this.record = loaded.record
    this.#counters = loaded.counters
    this.#previous = loaded.record.modSeq
    this.now = context.clock.now()
  }

  /** Reads the account and the counters of the mailboxes that the change touches, in one go. */
  static async open(
    context: StoreContext,
    tx: Transaction,
    account: AccountId,
    mailboxes: readonly number[] = [],
  ): Promise<AccountCommit> {
    const keys = mailboxes.map((mailbox) => countersKey(account, mailbox))
    const [record, ...values] = await tx.getMany([accountKey(account), ...keys])
    const counters = new Map<number, MailboxCounters>()
    mailboxes.forEach((mailbox, at) => {
      const value = values[at]
      if (value !== undefined) counters.set(mailbox, decodeCounters(value))
    })
    const loaded = { record: record === undefined ? newAccountRecord() : decodeAccount(record), counters }
    return new AccountCommit(context, tx, account, loaded)
  }

  /**
   * The next MODSEQ: one more than the last, and never less than the microseconds of the clock. Flags are committed
   * without waiting for the disk; after a power failure the counter may have fallen back, and the clock keeps it from
   * giving out a MODSEQ that a client has already seen for another change (RFC 7162 section 3.1).
   */
  nextModSeq(): bigint {
    const floor = BigInt(Math.max(0, Math.floor(this.now))) * 1000n
    const next = this.record.modSeq + 1n
    this.record.modSeq = next > floor ? next : floor
    return this.record.modSeq
  }

  /** UIDVALIDITY that no mailbox of the account has had (RFC 3501 section 2.3.1.1). */
  nextUidValidity(): number {
    const seconds = Math.min(0xffff_fffe, Math.max(0, Math.floor(this.now / 1000)))
    this.record.lastUidValidity = Math.max(this.record.lastUidValidity + 1, seconds)
    return this.record.lastUidValidity
  }

  /** Counters to read and change; they are written at the end. @throws MailError MAILBOX_NOT_FOUND */
  change(mailbox: number): MailboxCounters {
    const counters = this.#counters.get(mailbox)
    if (counters === undefined) {
      throw new MailError('MAILBOX_NOT_FOUND', `account ${this.account} has no mailbox m${mailbox}`)
    }
    this.#dirty.add(mailbox)
    return counters
  }

  addMailbox(mailbox: number, uidValidity: number, modSeq: bigint): void {
    this.#counters.set(mailbox, newCounters(uidValidity, modSeq))
    this.#dirty.add(mailbox)
  }

  removeMailbox(mailbox: number): void {
    this.#counters.delete(mailbox)
    this.#dirty.delete(mailbox)
    this.tx.delete(countersKey(this.account, mailbox))
  }

  /** States of a mailbox to read and change; what has changed is written at the end. */
  states(mailbox: number): MailboxPages {
    let pages = this.#pages.get(mailbox)
    if (pages === undefined) {
      pages = new MailboxPages(this.tx, this.account, mailbox)
      this.#pages.set(mailbox, pages)
    }
    return pages
  }

  /** Notes what happened to messages. @param uids ascending, at least one */
  messagesChanged(
    kind: Exclude<Change['kind'], 'mailboxes' | 'metadata'>,
    mailbox: number,
    modSeq: bigint,
    uids: readonly number[],
  ): void {
    this.change(mailbox).highestModSeq = modSeq
    const change = changeOf(kind, modSeq, mailbox, uids)
    this.#changes.push(change)
    if (kind === 'flags') this.mirror({ kind, mailbox: mailboxId(mailbox), ranges: change.ranges })
  }

  /** @param mailbox 0 for the account itself */
  metadataChanged(modSeq: bigint, mailbox: number, owner: MetadataOwner, entries: readonly string[]): void {
    this.#changes.push({ kind: 'metadata', modSeq, mailbox, ranges: [], names: [owner, ...entries] })
  }

  mailboxesChanged(modSeq: bigint): void {
    this.#changes.push(changeOf('mailboxes', modSeq, 0, []))
  }

  /**
   * Keeps the bytes of a message that comes in, for as long as it is there.
   * @returns the ref that its record must have
   * @throws MailError STORE_FULL, UNAVAILABLE when the mirror has too much to do
   */
  keep(mailbox: number, uid: number, blob: BlobRef, message: StoredMessage): BlobRef {
    const { mirror, isFromMirror } = this.#context
    if (mirror === undefined) {
      linkIn(this.tx, blob, messageOwner(this.account, mailbox, uid))
      return blob
    }
    if (isFromMirror) return blob
    mirror.admit(this.account, 'message', this.#load)
    const ref = this.#mirrorRef(mailbox, uid, message)
    const added = { kind: 'added', mailbox: mailboxId(mailbox), uid, ref, source: blob } as const
    if (mirror.holds(blob)) this.mirror(added)
    else {
      linkIn(this.tx, blob, mirrorOwner(ref))
      this.mirror({ ...added, bytes: message.size })
    }
    return ref
  }

  /**
   * Takes over the bytes of a message of `source` that moves here.
   * @returns the ref that its record must have
   */
  carry(source: AccountCommit, from: Place, to: Place, blob: BlobRef, message: StoredMessage): BlobRef {
    const { mirror } = this.#context
    if (mirror === undefined) {
      relinkIn(this.tx, blob, messageOwner(source.account, ...from), messageOwner(this.account, ...to))
      return blob
    }
    if (!mirror.holds(blob)) {
      const ref = this.keep(...to, blob, message)
      source.drop(...from, blob)
      return ref
    }
    const ref = this.#mirrorRef(...to, message)
    this.mirror({ kind: 'moved', mailbox: mailboxId(to[0]), uid: to[1], ref, source: blob })
    return ref
  }

  /** The message is gone, and does not need its bytes any more. */
  drop(mailbox: number, uid: number, blob: BlobRef): void {
    if (this.#context.mirror?.holds(blob)) {
      this.mirror({ kind: 'removed', mailbox: mailboxId(mailbox), uid, ref: blob })
    } else {
      unlinkIn(this.tx, blob, messageOwner(this.account, mailbox, uid), this.now)
    }
  }

  /** Notes what the mirror has to do, when there is one and it does not know already. */
  mirror(operation: MirrorOperation): void {
    if (this.#context.mirror === undefined || this.#context.isFromMirror) return
    this.#mirrored.push(operation)
    const { operations, bytes } = loadOf([operation])
    this.#load = { operations: this.#load.operations + operations, bytes: this.#load.bytes + bytes }
  }

  /** Nothing came of the change: `close` writes nothing. */
  leave(): void {
    this.#isUnchanged = true
  }

  /** Has one of several changes left since it was last asked? */
  takeLeave(): boolean {
    const hasLeft = this.#isUnchanged
    this.#isUnchanged = false
    return hasLeft
  }

  /** Writes the account, the counters, the states and the log. The last call on this object. */
  async close(): Promise<void> {
    if (this.#isUnchanged) return
    if (this.#mirrored.some(({ kind }) => GROWING.has(kind)))
      this.#context.mirror?.admit(this.account, 'change', NOTHING)
    const { tx, account, record } = this
    for (const pages of this.#pages.values()) pages.write()
    writeChanges(tx, account, record, this.#changes)
    await keepLogBounded(tx, account, record, this.#context.limits)
    for (const mailbox of this.#dirty) {
      const counters = this.#counters.get(mailbox)
      if (counters !== undefined) tx.put(countersKey(account, mailbox), encodeCounters(counters))
    }
    if (this.#mirrored.length > 0) {
      writeJournal(tx, account, this.#changes.length > 0 ? record.modSeq : this.nextModSeq(), this.#mirrored)
    }
    tx.put(accountKey(account), encodeAccount(record))
    if (this.#changes.length > 0 || this.#mirrored.length > 0) tx.afterCommit(() => this.#tell())
  }

  #mirrorRef(mailbox: number, uid: number, { size, internalDate }: StoredMessage): BlobRef {
    const { mirror } = this.#context
    if (mirror === undefined) throw new Error('there is no mirror')
    return mirror.refFor({ account: this.account, mailbox: mailboxId(mailbox), uid, size, internalDate })
  }

  #tell(): void {
    const { engine, onChange, mirror } = this.#context
    if (this.#mirrored.length > 0) mirror?.committed(this.account, this.#load)
    if (this.#changes.length === 0) return
    const notice = { previous: this.#previous, modSeq: this.record.modSeq, changes: this.#changes }
    engine.publish(noticeTopic(this.account), formatNotice(notice))
    for (const { kind, mailbox } of this.#changes) {
      onChange(this.account, kind, mailbox === 0 ? undefined : mailboxId(mailbox))
    }
  }
}

/** How a change is committed: `durable` waits for the disk, `relaxed` does not. */
type Durability = 'durable' | 'relaxed'

/** Runs one change of an account in a transaction of its own. */
export async function commitAccount<T>(
  context: StoreContext,
  account: AccountId,
  mailboxes: readonly MailboxId[],
  change: (commit: AccountCommit) => Promise<T>,
  durability: Durability = 'durable',
): Promise<T> {
  const numbers = mailboxes.map(mailboxNumber)
  const { engine } = context
  const work = async (tx: Transaction): Promise<T> => {
    const commit = await AccountCommit.open(context, tx, account, numbers)
    const result = await change(commit)
    await commit.close()
    return result
  }
  const scopes = [accountScope(account)]
  return durability === 'durable' ? engine.transact(scopes, work) : engine.transactRelaxed(scopes, work)
}
