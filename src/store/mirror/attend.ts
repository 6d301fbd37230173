import type { AccountId } from '../mail-store.ts'
import type { StoreContext } from '../store-context.ts'

/** Before messages come: lets a mirror that cannot keep up do what it has to do already. */
export async function awaitRoom({ mirror, isFromMirror }: StoreContext, account: AccountId): Promise<void> {
  if (mirror !== undefined && !isFromMirror) await mirror.room(account)
}

/** Before an account is looked at: lets the mirror bring in what other programs did. Free of cost without one. */
export async function attend({ mirror, isFromMirror }: StoreContext, account: AccountId): Promise<void> {
  if (mirror !== undefined && !isFromMirror) await mirror.attend(account)
}
