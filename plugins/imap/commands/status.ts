import { codeOf, type MailboxStatus } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import { formatMailboxId } from '../object-ids.ts'
import type { Session } from '../session.ts'
import type { Arguments } from '../wire/arguments.ts'
import { parseMailbox } from '../wire/mailbox-name.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

type Value = number | bigint | string
type Item = (status: MailboxStatus, reached: ReachedMailbox, session: Session) => Value | Promise<Value>

const ITEMS: ReadonlyMap<string, Item> = new Map<string, Item>([
  ['APPENDLIMIT', (_status, _reached, { server }) => server.limits.messageBytes || 'NIL'],
  ['DELETED', (status) => status.deleted],
  ['DELETED-STORAGE', deletedStorage],
  ['HIGHESTMODSEQ', (status) => status.highestModSeq],
  ['MAILBOXID', (_status, { account, mailbox }) => `(${formatMailboxId(account, mailbox.id)})`],
  ['MESSAGES', (status) => status.messages],
  ['RECENT', (status) => status.recent],
  ['SIZE', (status) => status.size],
  ['UIDNEXT', (status) => status.uidNext],
  ['UIDVALIDITY', (_status, { mailbox }) => mailbox.uidValidity],
  ['UNSEEN', (status) => status.unseen],
])

/** Items in parentheses, each once. */
export function parseStatusItems(args: Arguments): readonly string[] {
  const items = args.list(() => args.word())
  if (items.length === 0) throw new SyntaxFault('Status item expected')
  for (const item of items)
    if (!ITEMS.has(item) || !args.knows(`STATUS ${item}`)) throw new SyntaxFault('No such status item')
  return [...new Set(items)]
}

/** The STATUS response of a mailbox. */
export async function tellStatus(session: Session, reached: ReachedMailbox, items: readonly string[]): Promise<void> {
  if (items.includes('HIGHESTMODSEQ')) session.enableCondstore()
  session.out.untagged(await formatStatus(session, reached, items))
}

/** The same unasked, which switches nothing on. @returns undefined when the mailbox has just gone */
export async function statusText(
  session: Session,
  reached: ReachedMailbox,
  items: readonly string[],
): Promise<string | undefined> {
  try {
    return await formatStatus(session, reached, items)
  } catch (cause) {
    if (codeOf(cause) === 'MAILBOX_NOT_FOUND') return undefined
    throw cause
  }
}

async function formatStatus(session: Session, reached: ReachedMailbox, items: readonly string[]): Promise<string> {
  const { account, mailbox, name } = reached
  const current = await session.services.store.status(account, mailbox.id)
  const values: string[] = []
  for (const item of items) values.push(`${item} ${await ITEMS.get(item)?.(current, reached, session)}`)
  return `STATUS ${session.mailboxName(name)} (${values.join(' ')})`
}

/** RFC 3501 section 6.3.10. Also of the selected mailbox: forbidden to clients by an older text, and asked all the same. */
export const status = command({
  name: 'STATUS',
  states: LOGGED_IN,
  parse(args, { isRev2 }) {
    args.space()
    const name = parseMailbox(args)
    args.space()
    const items = parseStatusItems(args)
    if (isRev2 && items.includes('RECENT')) throw new SyntaxFault('No such status item')
    args.end()
    return { name, items }
  },
  async run({ name, items }, session) {
    await tellStatus(session, await session.mailboxes.reach(name, 'r'), items)
    return ok('Status completed')
  },
})

/** RFC 9208 section 4.1.4: octets of the messages marked as deleted, of which there are rarely any. */
async function deletedStorage({ deleted }: MailboxStatus, reached: ReachedMailbox, session: Session): Promise<number> {
  let octets = 0
  if (deleted === 0) return octets
  for await (const batch of session.services.store.states(reached.account, reached.mailbox.id)) {
    for (const { flags, size } of batch) if (flags.includes('\\Deleted')) octets += size
  }
  return octets
}
