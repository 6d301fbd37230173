import { type AccountId, type MailboxEvent, SERVER_ACCOUNT } from 'mailserver'
import type { OwnChanges } from '../own-changes.ts'
import { formatEntryName } from '../wire/metadata-entries.ts'
import type { NotifyEvent } from '../wire/notify-arguments.ts'
import { keyOf } from './mailbox-names.ts'

/** Things that one session has not been told of yet. */
const MAX_PENDING = 1000

export type MessageOrMetadata = Exclude<MailboxEvent, { kind: 'mailboxes' }>
type MetadataEvent = MailboxEvent & { kind: 'metadata' }
type MessageKind = Exclude<MessageOrMetadata['kind'], 'metadata'>

const EVENT_OF = {
  appended: 'MessageNew',
  expunged: 'MessageExpunge',
  flags: 'FlagChange',
} as const satisfies Record<MessageKind, NotifyEvent>

/** What happened to messages and annotations, and the client is to be told of. */
export class PendingEvents {
  /** Not looked at yet. */
  #heard: { readonly account: AccountId; readonly event: MessageOrMetadata }[] = []
  readonly #messages = new Map<string, Set<NotifyEvent>>()
  readonly #metadata = new Map<string, Set<string>>()

  get isEmpty(): boolean {
    return this.#heard.length === 0
  }

  /** @returns false when there is too much: what was heard is forgotten */
  hear(account: AccountId, event: MessageOrMetadata): boolean {
    if (this.#heard.length < MAX_PENDING) {
      this.#heard.push({ account, event })
      return true
    }
    this.#heard = []
    return false
  }

  /** Sorts what was heard by mailbox. Only now is it known what of it this session's own commands made. */
  sort(own: OwnChanges): void {
    const heard = this.#heard
    this.#heard = []
    for (const { account, event } of heard) {
      if (own.take(account, event.modSeq)) continue
      if (event.kind === 'metadata') this.#addMetadata(account, event)
      else {
        const key = keyOf(account, event.mailbox)
        this.#messages.set(key, (this.#messages.get(key) ?? new Set()).add(EVENT_OF[event.kind]))
      }
    }
  }

  /** By mailbox, each taken away as it is given out. */
  *messages(): Generator<readonly [key: string, happened: ReadonlySet<NotifyEvent>]> {
    yield* taken(this.#messages)
  }

  /** Names of entries by mailbox, '' for the server, each taken away as it is given out. */
  *metadata(): Generator<readonly [key: string, entries: ReadonlySet<string>]> {
    yield* taken(this.#metadata)
  }

  #addMetadata(account: AccountId, { owner, mailbox, entries }: MetadataEvent): void {
    const key = mailbox === undefined ? '' : keyOf(account, mailbox)
    const told = this.#metadata.get(key) ?? new Set()
    this.#metadata.set(key, told)
    const scope = owner === 'shared' ? 'shared' : 'private'
    for (const name of entries) told.add(formatEntryName({ scope, name }))
  }
}

function* taken<T>(from: Map<string, T>): Generator<readonly [string, T]> {
  for (const [key, value] of from) {
    from.delete(key)
    yield [key, value]
  }
}

/** Annotations that are the user's own or shared, of a mailbox or of the server. */
export function isForUser(user: AccountId, account: AccountId, { owner, mailbox }: MetadataEvent): boolean {
  if (owner !== 'shared' && owner !== user) return false
  return mailbox !== undefined || account === SERVER_ACCOUNT
}
