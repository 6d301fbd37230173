import { MailError } from '../../errors/mail-error.ts'
import type { BlobRef } from '../blob-store.ts'
import { createMailStore } from '../create-mail-store.ts'
import type { AccountId } from '../mail-store.ts'
import type { Watched } from '../progress.ts'
import type { StoreContext } from '../store-context.ts'
import { type BackupDirectory, openBackup } from './backup-directory.ts'
import { BringBlobs } from './bring-blobs.ts'
import { mergeAccount } from './merge-account.ts'
import type { BackupAccount, BackupPoint } from './point.ts'
import { isUntouched, restoreAccount } from './restore-account.ts'
import type { Restored, RestoreParts } from './restore-parts.ts'
import type { StoredSectionRecord } from './section.ts'

export interface RestoreOptions extends Watched {
  /** Addresses of the accounts that are wanted; everything when left out. */
  readonly accounts?: readonly string[] | undefined
  /** Name of a point; the newest when left out. */
  readonly at?: string | undefined
  readonly mailboxes?: readonly string[] | undefined
  readonly beside?: string | undefined
  readonly onLost: (lost: { account: string; mailbox: string; uid: number; text: string }) => Promise<void> | void
  /** Brings the directory's part back; tells which account each of the backup is here. */
  readonly directory: (
    records: readonly unknown[],
    only: ReadonlySet<AccountId> | undefined,
  ) => Promise<ReadonlyMap<AccountId, AccountId>>
  /** Brings the queue's part back, when it is wanted. @returns how many messages */
  readonly queue?:
    | ((records: readonly StoredSectionRecord[], bring: (sha256: string) => Promise<BlobRef>) => Promise<number>)
    | undefined
}

export interface RestoredBackup {
  readonly point: string
  readonly accounts: readonly (Restored & {
    readonly account: string
    /** Made as it was, or filled up beside what is there. */
    readonly how: 'as it was' | 'merged'
    readonly failed: string | null
  })[]
  readonly queued: number
}

/**
 * Brings a backup, or a part of it, back into a store, also while a server runs on it. An account that has never had a
 * message becomes what it was, in one moment; one that is in use gets back what it misses.
 */
export async function restoreBackup(
  store: StoreContext,
  path: string,
  options: RestoreOptions,
): Promise<RestoredBackup> {
  const backup = await openBackup(path)
  const mail = createMailStore(store)
  try {
    const point = await pointFor(backup, options)
    const blobs = new BringBlobs(backup.packs, store.blobs)
    const wanted = wantedOf(point, options.accounts)
    const only = options.accounts === undefined ? undefined : new Set(wanted.map(({ id }) => id))
    const ids = await options.directory(await sectionOf(backup, point, 'directory'), only)
    const accountOf = (id: AccountId) => ids.get(id) ?? id
    const total = wanted.flatMap(({ mailboxes }) => mailboxes).reduce((sum, { messages }) => sum + messages, 0)
    let done = 0
    const accounts: RestoredBackup['accounts'][number][] = []
    for (const account of wanted) {
      options.signal?.throwIfAborted()
      const name = account.address ?? account.id
      const parts: RestoreParts = {
        store,
        mail,
        records: backup.records,
        blobs,
        signal: options.signal,
        onMessages: (count) => {
          done += count
          options.onProgress?.({ phase: `messages, ${name}`, done, total })
        },
        onLost: (lost) => options.onLost({ account: name, ...lost }),
        accountOf,
      }
      accounts.push({ account: name, ...(await restoreOne(parts, account, accountOf(account.id), options)) })
    }
    const records = options.queue === undefined ? [] : await sectionOf(backup, point, 'queue')
    const queued = await options.queue?.(records, async (sha256) => (await blobs.bring(sha256)).blob)
    return { point: point.point, accounts, queued: queued ?? 0 }
  } finally {
    mail.close()
    await backup.packs.close()
  }
}

async function restoreOne(
  parts: RestoreParts,
  backup: BackupAccount,
  account: AccountId,
  { mailboxes, beside, signal }: RestoreOptions,
): Promise<Restored & { how: 'as it was' | 'merged'; failed: string | null }> {
  const isWhole = mailboxes === undefined && beside === undefined
  const asItWas = isWhole && (await isUntouched(parts.store.engine, account))
  const how = asItWas ? 'as it was' : 'merged'
  let counted = { restored: 0, present: 0, lost: 0 }
  try {
    counted = asItWas
      ? await restoreAccount(parts, backup, account)
      : await mergeAccount(parts, backup, account, { mailboxes, beside })
    return { ...counted, how, failed: null }
  } catch (error) {
    // One account that has no room keeps no other from coming back.
    if (signal?.aborted || !(error instanceof MailError) || error.code === 'STORE_FULL') throw error
    return { ...counted, how, failed: error.message }
  }
}

/** The point that is asked for, or the newest that has what is asked for. */
async function pointFor({ points }: BackupDirectory, { at, accounts }: RestoreOptions): Promise<BackupPoint> {
  if (at !== undefined) return points.read(at)
  const names = [...(await points.list())].reverse()
  for (const name of names) {
    const point = await points.read(name)
    if (accounts === undefined ? point.isWhole : hasAll(point, accounts)) return point
  }
  if (accounts === undefined && names[0] !== undefined) return points.read(names[0])
  throw new MailError('NOT_FOUND', `no point of the backup has ${accounts?.join(', ')}`)
}

const hasAll = ({ accounts }: BackupPoint, wanted: readonly string[]): boolean =>
  wanted.every((one) => accounts.some(({ address }) => address === one))

function wantedOf({ accounts, point }: BackupPoint, wanted: readonly string[] | undefined): readonly BackupAccount[] {
  if (wanted === undefined) return accounts
  return wanted.map((one) => {
    const found = accounts.find(({ address }) => address === one)
    if (found === undefined) throw new MailError('NOT_FOUND', `the point ${point} has no account ${one}`)
    return found
  })
}

async function sectionOf(
  { records }: BackupDirectory,
  { sections }: BackupPoint,
  name: string,
): Promise<readonly StoredSectionRecord[]> {
  const all: StoredSectionRecord[] = []
  for (const file of sections[name] ?? []) all.push(...(await records.read<StoredSectionRecord>(file)))
  return all
}
