import { Flags } from '@oclif/core'
import { UserError } from '../errors/user-error.ts'

/** What selects entries of the queue; all that are given must match. */
export const filterFlags = {
  id: Flags.string({ summary: 'A message, or one of its recipients as <message>/<index>.', helpGroup: 'FILTER' }),
  domain: Flags.string({ summary: 'Recipients of one domain.', helpGroup: 'FILTER' }),
  recipient: Flags.string({ summary: 'One recipient.', helpGroup: 'FILTER' }),
  sender: Flags.string({ summary: "One sender; '<>' for reports.", helpGroup: 'FILTER' }),
  state: Flags.option({ options: ['waiting', 'held', 'delivering'] as const })({
    summary: 'Entries in one state.',
    helpGroup: 'FILTER',
  }),
}

export const allFlag = {
  all: Flags.boolean({ summary: 'The whole queue; required when there is no filter.', helpGroup: 'FILTER' }),
}

interface Filter {
  readonly id?: string | undefined
  readonly domain?: string | undefined
  readonly recipient?: string | undefined
  readonly sender?: string | undefined
  readonly state?: 'waiting' | 'held' | 'delivering' | undefined
}

/** The filter alone, of all flags. */
export const filterOf = ({ id, domain, recipient, sender, state }: Filter): Filter => ({
  id,
  domain,
  recipient,
  sender,
  state,
})

/** @throws UserError (exit code 2) when nothing says which entries are meant */
export function requireFilter(filter: Filter, all: boolean): void {
  if (all || Object.values(filter).some((value) => value !== undefined)) return
  throw new UserError('No filter was given.', {
    exitCode: 2,
    nextSteps: [
      'Say which entries you mean: --id, --domain, --recipient, --sender, --state',
      'Or the whole queue: --all',
    ],
  })
}
