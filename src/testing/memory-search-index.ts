import type { AccountId, MailboxId } from '../store/mail-store.ts'
import type { SearchText } from '../store/search/search-text.ts'
import type { Candidates, Coverage, IndexedMailbox, SearchIndex, SearchQuery } from '../store/search-index.ts'

interface Kept {
  readonly uidValidity: number
  through: number
  /** undefined: skipped. */
  readonly texts: Map<number, (SearchText & { readonly id: string }) | undefined>
}

/** A SearchIndex in memory, for tests. */
export function memorySearchIndex(): SearchIndex {
  const accounts = new Map<AccountId, Map<MailboxId, Kept>>()

  const of = (account: AccountId, { id, uidValidity }: IndexedMailbox): Kept | undefined => {
    const kept = accounts.get(account)?.get(id)
    return kept?.uidValidity === uidValidity ? kept : undefined
  }
  const textsOf = (account: AccountId) =>
    [...(accounts.get(account)?.values() ?? [])].flatMap(({ texts }) => [...texts.values()])
  const coverageOf = (kept: Kept | undefined): Coverage => ({
    through: kept?.through ?? 0,
    skipped: new Set([...(kept?.texts ?? [])].flatMap(([uid, text]) => (text === undefined ? [uid] : []))),
  })
  const candidatesOf = (kept: Kept | undefined, { within, needle }: SearchQuery): Candidates => {
    const found = [...(kept?.texts ?? [])].flatMap(([uid, text]) => {
      if (text === undefined) return []
      const isIn = text.body.includes(needle) || (within === 'text' && text.header.includes(needle))
      return isIn ? [uid] : []
    })
    return { uids: Uint32Array.from(found.sort((a, b) => a - b)), isExact: true }
  }

  return {
    coverage: async (account, mailbox) => coverageOf(of(account, mailbox)),
    async known(account, ids) {
      const there = new Set(textsOf(account).map((text) => text?.id))
      return new Set(ids.filter((id) => there.has(id)))
    },
    async index(account, mailbox, after, { documents, copies, skipped, through }) {
      let kept = of(account, mailbox)
      if ((kept?.through ?? 0) !== after) return
      if (kept === undefined) {
        kept = { uidValidity: mailbox.uidValidity, through: 0, texts: new Map() }
        const mailboxes = accounts.get(account) ?? new Map<MailboxId, Kept>()
        accounts.set(account, mailboxes.set(mailbox.id, kept))
      }
      for (const { uid, ...text } of documents) kept.texts.set(uid, text)
      for (const { uid, id } of copies) {
        const text = textsOf(account).find((text) => text?.id === id)
        kept.texts.set(uid, text)
      }
      for (const uid of skipped) kept.texts.set(uid, undefined)
      kept.through = through
    },
    async retain(account, mailbox, uids) {
      const texts = of(account, mailbox)?.texts
      const staying = new Set(uids)
      for (const uid of [...(texts?.keys() ?? [])]) if (!staying.has(uid)) texts?.delete(uid)
    },
    async retainMailboxes(account, mailboxes) {
      const kept = accounts.get(account)
      for (const id of [...(kept?.keys() ?? [])]) if (!mailboxes.includes(id)) kept?.delete(id)
    },
    async retainAccounts(kept) {
      for (const account of [...accounts.keys()]) if (!kept.includes(account)) accounts.delete(account)
    },
    async search(account, mailbox, queries) {
      const kept = of(account, mailbox)
      return { ...coverageOf(kept), candidates: queries.map((query) => candidatesOf(kept, query)) }
    },
    async figures(account) {
      const texts = textsOf(account)
      const skipped = texts.filter((text) => text === undefined).length
      return { messages: texts.length - skipped, skipped, octets: 0 }
    },
    async clear(account) {
      accounts.delete(account)
    },
  }
}
