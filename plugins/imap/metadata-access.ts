import { type AccountId, type MailboxId, type MetadataEntry, type MetadataOwner, SERVER_ACCOUNT } from 'mailserver'
import { demand, hasAny, type ReachedMailbox } from './mailbox-access.ts'
import { NoPermission } from './no-permission.ts'
import type { Session } from './session.ts'
import type { EntryName } from './wire/metadata-entries.ts'

/** The contact of the administrator, which the config says (RFC 5464 section 3.2.1.1). */
const ADMIN = '/admin'

/** Where the annotations of one scope stand in the store. */
export interface MetadataPlace {
  readonly account: AccountId
  readonly mailbox: MailboxId | undefined
  readonly owner: MetadataOwner
}

/** Something that has annotations: a mailbox, or the server when there is none. */
export type Annotated = ReachedMailbox | undefined

/** The mailbox of a name, the server for the empty one. @throws MailError MAILBOX_NOT_FOUND, NoPermission */
export async function annotatedOf(session: Session, name: string): Promise<Annotated> {
  if (name === '') return undefined
  const reached = await session.mailboxes.reach(name, 'l')
  if (!mayHaveMetadata(reached)) throw new NoPermission('one of rswip is needed')
  return reached
}

/** RFC 5464 section 3.3. */
export const mayHaveMetadata = ({ rights }: ReachedMailbox): boolean => rights.includes('l') && hasAny(rights, 'rswip')

export function placeOf({ mailboxes }: Session, annotated: Annotated, scope: EntryName['scope']): MetadataPlace {
  const { id } = mailboxes.user
  const owner = scope === 'shared' ? scope : id
  if (annotated !== undefined) return { account: annotated.account, mailbox: annotated.mailbox.id, owner }
  return { account: SERVER_ACCOUNT, mailbox: undefined, owner }
}

/** Every annotation of a scope, the computed one among them. */
export async function entriesOf(
  session: Session,
  annotated: Annotated,
  scope: EntryName['scope'],
): Promise<readonly MetadataEntry[]> {
  const { account, mailbox, owner } = placeOf(session, annotated, scope)
  const entries = await session.services.store.metadata(account, mailbox, owner)
  const { adminContact } = session
  if (annotated !== undefined || scope === 'private' || adminContact === undefined) return entries
  return [{ name: ADMIN, value: Buffer.from(adminContact) }, ...entries]
}

/**
 * Private annotations are for everybody who sees the mailbox. Shared ones need the right to write, those of the server an
 * administrator; the contact is the config's alone. @throws NoPermission, MailError
 */
export function demandSettable(session: Session, annotated: Annotated, entries: readonly EntryName[]): void {
  if (entries.every(({ scope }) => scope === 'private')) return
  if (annotated !== undefined) demand(annotated, 'w')
  else if (!session.isAdministrator || entries.some(({ scope, name }) => scope === 'shared' && name === ADMIN)) {
    throw new NoPermission('the server’s own annotations are not for everybody')
  }
}
