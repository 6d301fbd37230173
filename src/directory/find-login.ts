import { parseAddress } from '../mail/address.ts'
import type { DirectoryData, KnownAccount } from './directory-data.ts'

/** Whose login it is: an address, or a local part where there is one domain alone. */
export async function findLogin(data: DirectoryData, login: string): Promise<KnownAccount | undefined> {
  let text = login
  if (!login.includes('@')) {
    const domains = await data.domains()
    const [only] = domains
    if (domains.length !== 1 || only === undefined) return undefined
    text = `${login}@${only.name}`
  }
  const address = parseAddress(text)
  return address === undefined ? undefined : data.accountOfOurs(address)
}
