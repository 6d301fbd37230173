import type { Mailbox, MailboxStatus } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'
import { formatMailbox, parseMailbox } from '../wire/mailbox-name.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

type Item = (status: MailboxStatus, mailbox: Mailbox) => number

const ITEMS: ReadonlyMap<string, Item> = new Map<string, Item>([
  ['MESSAGES', (status) => status.messages],
  ['RECENT', (status) => status.recent],
  ['UIDNEXT', (status) => status.uidNext],
  ['UIDVALIDITY', (_status, mailbox) => mailbox.uidValidity],
  ['UNSEEN', (status) => status.unseen],
])

/** RFC 3501 section 6.3.10. Also of the selected mailbox: forbidden to clients by an older text, and asked all the same. */
export const status = command({
  name: 'STATUS',
  states: LOGGED_IN,
  parse(args) {
    args.space()
    const name = parseMailbox(args)
    args.space()
    const items = args.list(() => args.word())
    args.end()
    if (items.length === 0) throw new SyntaxFault('Status item expected')
    for (const item of items) if (!ITEMS.has(item)) throw new SyntaxFault('No such status item')
    return { name, items: [...new Set(items)] }
  },
  async run({ name, items }, session) {
    const { store } = session.services
    const mailbox = await store.mailbox(session.account, name)
    const current = await store.status(session.account, mailbox.id)
    const values = items.map((item) => `${item} ${ITEMS.get(item)?.(current, mailbox)}`)
    session.out.untagged(`STATUS ${formatMailbox(mailbox.name)} (${values.join(' ')})`)
    return ok('Status completed')
  },
})
