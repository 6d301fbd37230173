import { hash } from 'node:crypto'
import { UserError } from '../../errors/user-error.ts'
import { mirroredKey } from '../layout.ts'
import type { AccountId, MailStore } from '../mail-store.ts'
import type { MirrorKeeper } from '../mirror/mirror-keeper.ts'
import type { Watched } from '../progress.ts'
import { mailboxId } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { compareAccount } from './compare-account.ts'
import { moveIntoMirror, moveOutOfMirror } from './convert-account.ts'
import { convertedBlobs } from './converted-links.ts'
import { LEAVING, LEFT, MIRRORED } from './mirror-state.ts'

export interface Conversion extends Watched {
  readonly context: StoreContext
  /** Reads without asking the mirror. */
  readonly store: MailStore
  readonly keeper: MirrorKeeper
  readonly accounts: readonly { readonly id: AccountId; readonly address: string }[]
  readonly isIntoMirror: boolean
}

export interface Converted {
  readonly accounts: number
  readonly messages: number
  /** Where the originals still are. */
  readonly originals: readonly string[]
}

/**
 * Moves the messages of all accounts, then compares everything. Can be given again after it ended at any moment.
 * @throws UserError when a Maildir is in the way, or the two are not equal at the end
 */
export async function convertStore(conversion: Conversion): Promise<Converted> {
  const { context, store, keeper, accounts, isIntoMirror, signal, onProgress } = conversion
  const { engine } = context
  const state = (await engine.get(mirroredKey()))?.toString()
  if (isIntoMirror) {
    if (state === LEAVING) {
      throw new UserError(`Messages are being brought out of ${keeper.name}, and not all are.`, {
        nextSteps: ['Finish that first, with --from and --to the other way round.'],
      })
    }
    await refuseOccupied(conversion)
  }
  if (isIntoMirror || (state !== LEAVING && state !== LEFT)) {
    let settled = 0
    for (const { id, address } of accounts) {
      onProgress?.({ phase: `looking at ${address}`, done: settled++, total: accounts.length })
      await keeper.settle(id, signal)
    }
  }
  // From here on the files of a store that leaves its mirror must not be taken for new mail.
  await setState(context, isIntoMirror ? MIRRORED : LEAVING)
  const total = await countMessages(store, accounts)
  await eachAccount(conversion, 'moving', total, async (id, onMoved) => {
    const move = { context, store, account: id, signal, onMoved }
    await (isIntoMirror ? moveIntoMirror(move) : moveOutOfMirror(move))
    if (isIntoMirror) await keeper.settle(id, signal)
  })
  const places = await compare(conversion, total)
  if (isIntoMirror) await compareOriginals(conversion)
  else await setState(context, LEFT)
  return { accounts: accounts.length, messages: total, originals: isIntoMirror ? [] : places }
}

async function compare(conversion: Conversion, total: number): Promise<string[]> {
  const { store, keeper, accounts, signal } = conversion
  const address = new Map(accounts.map((account) => [account.id, account.address]))
  const places: string[] = []
  const differences: string[] = []
  await eachAccount(conversion, 'comparing', total, async (account, onCompared) => {
    const view = await keeper.inspect(account)
    if (view !== undefined) places.push(view.place)
    const found = await compareAccount({ store, account, signal, onCompared }, view)
    differences.push(...found.map((text) => `${address.get(account)}: ${text}`))
  })
  if (differences.length > 0) throw unequal(differences)
  return places
}

/** What was written must be what the store had before. */
async function compareOriginals({ context, store, signal }: Conversion): Promise<void> {
  const differences: string[] = []
  for await (const { blob, account, mailbox, uid } of convertedBlobs(context)) {
    signal?.throwIfAborted()
    const [before, after] = await Promise.all([
      context.blobs.read(blob),
      store.read(account, mailboxId(mailbox), uid).catch(() => undefined),
    ])
    // One that was expunged since an earlier conversion is no difference.
    if (after !== undefined && hash('sha256', before) !== hash('sha256', after))
      differences.push(`message ${uid} of ${account}`)
  }
  if (differences.length > 0) throw unequal(differences)
}

async function eachAccount(
  { accounts, signal, onProgress }: Conversion,
  phase: string,
  total: number,
  work: (account: AccountId, onDone: (count: number) => void) => Promise<void>,
): Promise<void> {
  let done = 0
  for (const { id, address } of accounts) {
    signal?.throwIfAborted()
    await work(id, (count) => {
      done += count
      onProgress?.({ phase: `${phase} messages of ${address}`, done, total })
    })
  }
}

/** Files that are there already would become mail a second time. */
async function refuseOccupied({ context, store, keeper, accounts }: Conversion): Promise<void> {
  const occupied: string[] = []
  for (const { id } of accounts) {
    const { usedMessages } = await store.quota(id)
    if (usedMessages === 0 || (await hasMirrored(context, store, id))) continue
    const view = await keeper.inspect(id)
    if (view?.mailboxes.some(({ messages }) => messages.length > 0)) occupied.push(view.place)
  }
  if (occupied.length === 0) return
  throw new UserError(`There are messages already in ${occupied.join(', ')}.`, {
    nextSteps: ['Move these directories away, or let path of maildir() lead elsewhere.'],
  })
}

async function hasMirrored({ mirror }: StoreContext, store: MailStore, account: AccountId): Promise<boolean> {
  for (const { id } of await store.mailboxes(account)) {
    for await (const states of store.states(account, id)) {
      const records = await store.records(
        account,
        id,
        states.map(({ uid }) => uid),
      )
      if (records.some(({ blob }) => mirror?.holds(blob))) return true
    }
  }
  return false
}

async function countMessages(store: MailStore, accounts: Conversion['accounts']): Promise<number> {
  const quotas = await Promise.all(accounts.map(({ id }) => store.quota(id)))
  return quotas.reduce((sum, { usedMessages }) => sum + usedMessages, 0)
}

async function setState({ engine }: StoreContext, state: string): Promise<void> {
  await engine.transact([], async (tx) => tx.put(mirroredKey(), Buffer.from(state)))
}

function unequal(differences: readonly string[]): UserError {
  const shown = differences.slice(0, 20)
  const more = differences.length > shown.length ? [`… and ${differences.length - shown.length} more`] : []
  return new UserError(`The two are not equal:\n${[...shown, ...more].map((line) => `  ${line}`).join('\n')}`, {
    nextSteps: ['Nothing was removed. Give the command again; what is missing is then moved.'],
  })
}
