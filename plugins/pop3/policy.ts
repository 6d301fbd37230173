import { type Account, addressKey } from 'mailserver'
import type { Pop3Options } from './options.ts'

/** What becomes of a message that a client deletes: removed, kept out of POP3's sight, or moved. */
export type Deletion = 'remove' | 'keep' | 'trash' | 'archive'

/** How one account's maildrop is served. */
export interface Policy {
  /** Name of the mailbox that is the maildrop. */
  readonly mailbox: string
  readonly deletion: Deletion
  /** A message that was retrieved counts as read in other clients. */
  readonly marksSeen: boolean
  /** Days after which a message that was retrieved may be removed (RFC 2449 section 6.7); undefined: never. */
  readonly expireDays: number | undefined
}

/** The policy of an account: its own where the config has one, laid over that of all. */
export function policyOf({ address }: Account, options: Pop3Options): Policy {
  const own = options.users[addressKey(address)]
  return {
    mailbox: own?.mailbox ?? options.mailbox,
    deletion: own?.deletion ?? options.deletion,
    marksSeen: own?.marksSeen ?? options.marksSeen,
    expireDays: own?.expireDays ?? options.expireDays,
  }
}
