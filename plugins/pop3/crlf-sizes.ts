import type { AccountId, Mailbox, MailStore } from 'mailserver'

/** Mailboxes remembered; the one used least recently goes first. */
const MAX_MAILBOXES = 10_000

interface Known {
  /** UIDs up to this one have been looked at. */
  upTo: number
  /** Octets that line ends add, of the messages that gain any. */
  readonly extra: Map<number, number>
}

/**
 * What CRLF line ends add to the size of each message. It stands in the message's index; as messages never change, each
 * index is read once by this process, and a login costs the messages that are new.
 */
export class CrlfSizes {
  readonly #known = new Map<string, Known>()

  /** @param uids of the mailbox, ascending. @returns octets to add, of the UIDs where there are any */
  async of(
    store: MailStore,
    account: AccountId,
    mailbox: Mailbox,
    uids: Uint32Array,
  ): Promise<ReadonlyMap<number, number>> {
    const known = this.#recall(`${account} ${mailbox.id} ${mailbox.uidValidity}`)
    const unseen: number[] = []
    for (let at = uids.length - 1; at >= 0 && (uids[at] as number) > known.upTo; at--) unseen.push(uids[at] as number)
    unseen.reverse()
    for await (const batch of store.indexes(account, mailbox.id, unseen)) {
      for (const [uid, { crlfExtra = 0 }] of batch) if (crlfExtra > 0) known.extra.set(uid, crlfExtra)
    }
    known.upTo = Math.max(known.upTo, uids.at(-1) ?? 0)
    if (known.extra.size > 0) forgetOthers(known.extra, new Set(uids))
    return known.extra
  }

  #recall(name: string): Known {
    const known = this.#known.get(name) ?? { upTo: 0, extra: new Map() }
    this.#known.delete(name)
    this.#known.set(name, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_MAILBOXES && oldest !== undefined) this.#known.delete(oldest)
    return known
  }
}

function forgetOthers(extra: Map<number, number>, uids: ReadonlySet<number>): void {
  for (const uid of extra.keys()) if (!uids.has(uid)) extra.delete(uid)
}
