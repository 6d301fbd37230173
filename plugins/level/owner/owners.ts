import type { Log } from 'mailserver'
import type { StoreOptions } from '../store-options.ts'
import { StoreOwner } from './store-owner.ts'

interface Use {
  readonly owner: Promise<StoreOwner>
  users: number
}

/** The stores this process owns, by path: a reload may change options while workers still have the store open. */
const owners = new Map<string, Use>()

/** Opens the store, or shares the one that is open. Each call is answered by one to `disown`. @throws UserError */
export async function own(root: string, options: StoreOptions, log: Log): Promise<StoreOwner> {
  const use = owners.get(root) ?? { owner: StoreOwner.open(root, options, log), users: 0 }
  owners.set(root, use)
  use.users += 1
  try {
    return await use.owner
  } catch (err) {
    owners.delete(root)
    throw err
  }
}

/** Closes the store once nobody uses it any more. */
export async function disown(root: string): Promise<void> {
  const use = owners.get(root)
  if (use === undefined) return
  use.users -= 1
  if (use.users > 0) return
  owners.delete(root)
  await (await use.owner).close()
}
