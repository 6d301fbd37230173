import { holdBlobs } from '../blob-hold.ts'
import type { Reader } from '../engine.ts'
import type { AccountId } from '../mail-store.ts'
import type { Watched } from '../progress.ts'
import type { StoreContext } from '../store-context.ts'
import { accountsIn } from '../verify/accounts-in.ts'
import { withSnapshot } from '../with-snapshot.ts'
import { backUpAccount, type NotBackedUp } from './backup-account.ts'
import { type BackupDirectory, makeBackup } from './backup-directory.ts'
import { BlobCopies } from './copy-blobs.ts'
import { PackWriter } from './pack-writer.ts'
import { type BackupAccount, type BackupPoint, pointName } from './point.ts'
import type { BackupSection, StoredSectionRecord } from './section.ts'

/** Records of a section in one file. */
const SECTION_RECORDS = 2_000

export interface BackupOptions extends Watched {
  /** These accounts alone; the whole store when left out. */
  readonly accounts?: readonly AccountId[] | undefined
  readonly addressOf: (account: AccountId) => string | null
  readonly sections: readonly BackupSection[]
  readonly onMissing: (missing: NotBackedUp) => Promise<void> | void
}

export interface WrittenBackup {
  readonly point: string
  readonly accounts: number
  readonly messages: number
  /** What was new: blobs with their octets, and record files. */
  readonly newBlobs: number
  readonly newBytes: number
  readonly newRecordFiles: number
}

/**
 * Adds the store as it is now to a backup. Everything is read from one snapshot; only blobs and records that the backup
 * does not have are written. The point in time is written last: an interrupted backup leaves the earlier ones as they
 * were, and what it had finished need not be copied again.
 */
export async function writeBackup(store: StoreContext, path: string, options: BackupOptions): Promise<WrittenBackup> {
  const directory = await makeBackup(path)
  const release = await holdBlobs(store.engine, store.clock)
  const writer = new PackWriter(directory.blobs, directory.packs)
  try {
    const point = await withSnapshot(store.engine, (reader) => readPoint(store, reader, directory, writer, options))
    options.signal?.throwIfAborted()
    await writer.finish()
    await directory.records.sync()
    options.signal?.throwIfAborted()
    await directory.points.write(point)
    return {
      point: point.point,
      accounts: point.accounts.length,
      messages: point.accounts.flatMap(({ mailboxes }) => mailboxes).reduce((sum, one) => sum + one.messages, 0),
      newBlobs: writer.blobs,
      newBytes: writer.bytes,
      newRecordFiles: directory.records.written,
    }
  } catch (error) {
    await writer.abort()
    throw error
  } finally {
    await directory.packs.close()
    await release()
  }
}

async function readPoint(
  store: StoreContext,
  reader: Reader,
  directory: BackupDirectory,
  writer: PackWriter,
  options: BackupOptions,
): Promise<BackupPoint> {
  const { signal, onProgress, onMissing, addressOf } = options
  const at = store.clock.now()
  const copies = new BlobCopies(store.blobs, writer)
  const before = await newestOf(directory)
  const ids = options.accounts ?? (await accountsIn(reader, ['mail-account']))
  const accounts: BackupAccount[] = []
  let messages = 0
  for (const [place, id] of ids.entries()) {
    signal?.throwIfAborted()
    const phase = `messages, account ${place + 1} of ${ids.length}`
    const onMessages = (count: number) => {
      messages += count
      onProgress?.({ phase, done: messages })
    }
    const parts = { store, reader, copies, records: directory.records, signal, onMessages, onMissing }
    const account = await backUpAccount(parts, id, addressOf(id), before.get(id))
    if (account !== undefined) accounts.push(account)
  }
  const sections: Record<string, readonly string[]> = {}
  const only = options.accounts === undefined ? undefined : new Set(options.accounts)
  for (const section of options.sections) {
    signal?.throwIfAborted()
    sections[section.name] = await writeSection(directory, copies, section, reader, only)
  }
  const taken = new Set(await directory.points.list())
  let name = pointName(at)
  for (let again = 2; taken.has(name); again++) name = `${pointName(at)}-${again}`
  return { format: 'mailserver-backup', version: 1, point: name, at, isWhole: only === undefined, accounts, sections }
}

/** The newest that the backup has of each account. A point that is damaged is passed over: what it had is copied anew. */
async function newestOf({ points }: BackupDirectory): Promise<ReadonlyMap<AccountId, BackupAccount>> {
  const newest = new Map<AccountId, BackupAccount>()
  for (const name of (await points.list()).slice(-5)) {
    const point = await points.read(name).catch(() => undefined)
    for (const account of point?.accounts ?? []) newest.set(account.id, account)
  }
  return newest
}

async function writeSection(
  { records }: BackupDirectory,
  copies: BlobCopies,
  section: BackupSection,
  reader: Reader,
  only: ReadonlySet<AccountId> | undefined,
): Promise<readonly string[]> {
  const files: string[] = []
  let waiting: StoredSectionRecord[] = []
  for await (const { record, blob } of section.read(reader, only)) {
    const [digest] = blob === undefined ? [] : await copies.copy([blob])
    waiting.push({ record, ...(blob !== undefined && { sha256: typeof digest === 'string' ? digest : null }) })
    if (waiting.length < SECTION_RECORDS) continue
    files.push(await records.write(waiting))
    waiting = []
  }
  if (waiting.length > 0) files.push(await records.write(waiting))
  return files
}
