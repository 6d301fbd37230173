import { table } from './table.ts'

interface AclEntry {
  readonly mailbox: string
  readonly subject: string
  readonly isNegative: boolean
  readonly rights: string
}

/** Who has which rights on which mailbox. */
export function renderAcl(entries: readonly AclEntry[]): string {
  if (entries.length === 0) return 'Nothing is shared.'
  return table(entries, [
    { title: 'MAILBOX', of: ({ mailbox }) => mailbox },
    { title: 'FOR', of: ({ subject }) => subject },
    { title: 'RIGHTS', of: ({ isNegative, rights }) => (isNegative ? `none of ${rights}` : rights) },
  ])
}
