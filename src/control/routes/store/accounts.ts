import { type Account, directory } from '../../../directory/directory.ts'
import { MailError } from '../../../errors/mail-error.ts'
import { type Address, formatAddress } from '../../../mail/address.ts'
import type { AccountId } from '../../../store/mail-store.ts'
import type { ControlContext } from '../../control-context.ts'

/** @throws MailError NOT_FOUND */
export async function accountOf(context: ControlContext, address: Address): Promise<Account> {
  const found = await context.service(directory).accountByAddress(address)
  if (found === undefined) throw new MailError('NOT_FOUND', `there is no account ${formatAddress(address)}`)
  return found
}

/** Addresses by account, for texts; an account that is not in the directory keeps its id. */
export async function addressesOf(context: ControlContext): Promise<(id: AccountId) => string> {
  const accounts = await context.service(directory).accounts()
  const addresses = new Map(accounts.map(({ id, address }) => [id, formatAddress(address)]))
  return (id) => addresses.get(id) ?? id
}
