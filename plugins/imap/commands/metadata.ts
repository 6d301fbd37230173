import { codeOf, METADATA_LIMITS } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { bad, type Completion, no, ok } from '../completion.ts'
import { type Annotated, annotatedOf, demandSettable, entriesOf, placeOf } from '../metadata-access.ts'
import type { Session } from '../session.ts'
import { type GetMetadata, parseGetMetadata, parseSetMetadata, type SetMetadata } from '../wire/metadata-arguments.ts'
import { type EntryName, formatEntry, formatEntryValue } from '../wire/metadata-entries.ts'

/** Without METADATA there is METADATA-SERVER alone (RFC 5464 section 1). */
const ONLY_SERVER = bad('Mailboxes have no metadata')

/** RFC 5464 section 4.2. */
export const getMetadata = command({
  name: 'GETMETADATA',
  states: LOGGED_IN,
  parse: parseGetMetadata,
  async run(request, session): Promise<Completion> {
    if (request.mailbox !== '' && !session.offer.has('METADATA')) return ONLY_SERVER
    const annotated = await annotatedOf(session, request.mailbox)
    const longest = await tellMetadata(session, annotated, request)
    return ok('Getmetadata completed', longest === 0 ? undefined : `METADATA LONGENTRIES ${longest}`)
  },
})

/**
 * Tells what was asked for of a mailbox's annotations. One that was named and is not there is NIL.
 * @returns octets of the longest value that was left out for its size
 */
export async function tellMetadata(
  session: Session,
  annotated: Annotated,
  { entries, depth, maxSize }: Pick<GetMetadata, 'entries' | 'depth' | 'maxSize'>,
): Promise<number> {
  const told = new Map<string, string>()
  let longest = 0
  for (const scope of new Set(entries.map((entry) => entry.scope))) {
    const present = await entriesOf(session, annotated, scope)
    for (const wanted of entries.filter((entry) => entry.scope === scope)) {
      const found = present.filter(({ name }) => isWithin(name, wanted, depth))
      for (const { name, value } of found) {
        if (value.length > maxSize) longest = Math.max(longest, value.length)
        else told.set(formatEntry({ scope, name }), formatEntryValue({ scope, name }, value))
      }
      if (found.length === 0 && depth === 0) told.set(formatEntry(wanted), formatEntryValue(wanted, undefined))
    }
  }
  if (told.size > 0)
    session.out.untagged(`METADATA ${session.mailboxName(annotated?.name ?? '')} (${[...told.values()].join(' ')})`)
  return longest
}

/** RFC 5464 section 4.3: all are set or none. */
export const setMetadata = command({
  name: 'SETMETADATA',
  states: LOGGED_IN,
  parse: parseSetMetadata,
  async run({ mailbox, values }, session): Promise<Completion> {
    if (mailbox !== '' && !session.offer.has('METADATA')) return ONLY_SERVER
    const annotated = await annotatedOf(session, mailbox)
    demandSettable(
      session,
      annotated,
      values.map(({ entry }) => entry),
    )
    if (values.some(({ value }) => (value?.length ?? 0) > METADATA_LIMITS.bytes)) {
      return no('A value is too long', `METADATA MAXSIZE ${METADATA_LIMITS.bytes}`)
    }
    try {
      await setAll(session, annotated, values)
    } catch (cause) {
      if (codeOf(cause) === 'LIMIT_REACHED') return no('There are too many annotations', 'METADATA TOOMANY')
      throw cause
    }
    return ok('Setmetadata completed')
  },
})

/** One commit: both scopes stand in one account. */
async function setAll(session: Session, annotated: Annotated, values: SetMetadata['values']): Promise<void> {
  const { account, mailbox } = placeOf(session, annotated, 'shared')
  const changes = values.map(({ entry, value }) => {
    return { owner: placeOf(session, annotated, entry.scope).owner, name: entry.name, value }
  })
  const modSeqs = await session.services.store.setMetadata(account, mailbox, changes)
  for (const modSeq of modSeqs) session.ownChanges.add(account, modSeq)
}

function isWithin(name: string, wanted: EntryName, depth: number): boolean {
  if (name === wanted.name) return true
  if (!name.startsWith(`${wanted.name}/`)) return false
  return name.slice(wanted.name.length + 1).split('/').length <= depth
}
