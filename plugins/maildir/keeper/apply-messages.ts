import { link, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlobRef, codeOf, type MessageRecord, type MirrorOperation } from 'mailserver'
import { codeOfFault, isGone } from '../faults.ts'
import { exists, removeFile } from '../files/disk.ts'
import { UnreadableBlob, writeMessage } from '../files/message-file.ts'
import { storedFolder, storedPath } from '../layout.ts'
import { formatFileName, stemOf } from '../names/file-name.ts'
import { lettersOf } from '../names/flag-letters.ts'
import { type MessageRef, parseMessageRef } from '../names/message-ref.ts'
import type { Estate } from './estate.ts'
import { Folder, type FolderFile } from './folder.ts'
import { type LetterChange, takeLetters } from './take-letters.ts'

/** Brings a message. */
export type Arriving = Extract<MirrorOperation, { kind: 'added' | 'moved' }>

/** A message's file in `tmp`, on disk. */
export interface Draft {
  readonly path: string
  readonly size: number
}

/** Files of messages that are written at the same time: their syncs share the journal of the file system. */
const AT_ONCE = 8
const MAX_WRITTEN = 1_000
const FLAG_BATCH = 500
const RENAMES = 4

/** Files of messages that come, and why there are none of others. */
export interface Drafts {
  readonly files: ReadonlyMap<BlobRef, Draft>
  /** The store cannot read these, by their refs. */
  readonly unreadable: ReadonlyMap<BlobRef, unknown>
}

/**
 * Writes the files of all messages that come from blobs, before any of them gets its name.
 * @param isTaken it is withheld already
 * @param isCertain a blob that cannot be read is no reason to try all again
 */
export async function draftMessages(
  estate: Estate,
  operations: readonly MirrorOperation[],
  isTaken: (ref: BlobRef) => boolean,
  isCertain: boolean,
): Promise<Drafts> {
  const drafts = new Map<BlobRef, Draft>()
  const unreadable = new Map<BlobRef, unknown>()
  const waiting = operations.filter(
    (operation): operation is Arriving =>
      operation.kind === 'added' && parseMessageRef(operation.source) === undefined && !isTaken(operation.ref),
  )
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const message = parseMessageRef(next.ref)
      const isThere = message && estate.folders.get(message.mailbox)?.files.has(message.key)
      if (message === undefined || isThere) continue
      try {
        drafts.set(next.ref, await draft(estate, next.source, message))
      } catch (cause) {
        if (!(cause instanceof UnreadableBlob) || !(isCertain || isDamage(cause.cause))) throw cause
        unreadable.set(next.ref, cause.cause)
      }
    }
  }
  waiting.reverse()
  const done = await Promise.allSettled(
    Array.from({ length: Math.min(AT_ONCE, waiting.length) }, () =>
      work().catch((cause: unknown) => {
        waiting.length = 0
        throw cause
      }),
    ),
  )
  // All have ended before another try begins, and a full disk gets its room back.
  const failed = done.find((one) => one.status === 'rejected')
  if (failed === undefined) return { files: drafts, unreadable }
  await discard(drafts)
  throw failed.reason
}

/** It will not be otherwise at the next try. */
const isDamage = (cause: unknown): boolean => codeOf(cause) === 'CORRUPT' || codeOf(cause) === 'NOT_FOUND'

/** Drafts that are not to be messages after all. */
async function discard(drafts: ReadonlyMap<BlobRef, Draft>): Promise<void> {
  for (const { path } of drafts.values()) await removeFile(path).catch(() => {})
}

async function draft(estate: Estate, source: BlobRef, message: MessageRef): Promise<Draft> {
  const { blobs, written } = estate.parts
  const path = join(estate.temporary, message.key)
  const mtime = Number(message.key.split('.')[0]) * 1000
  const first = written.get(source)
  if (first !== undefined) {
    try {
      const { size, at } = JSON.parse(await first) as { size: number; at: string }
      await removeFile(path)
      await link(at, path)
      return { path, size }
    } catch {
      // Renamed by now, on another disk, or linked too often: it gets a file of its own.
    }
  }
  const done = writeMessage(blobs, source, path, { size: message.size, mtime })
  written.set(
    source,
    done.then(({ size }) => JSON.stringify({ size, at: path })),
  )
  written.get(source)?.catch(() => written.delete(source))
  for (const oldest of written.keys()) {
    if (written.size <= MAX_WRITTEN) break
    written.delete(oldest)
  }
  return { path, ...(await done) }
}

/** Puts a message in its folder. @returns the directories whose names changed */
export async function placeMessage(
  estate: Estate,
  operation: Arriving,
  drafts: ReadonlyMap<BlobRef, Draft>,
  records: ReadonlyMap<BlobRef, MessageRecord>,
): Promise<readonly string[]> {
  const message = parseMessageRef(operation.ref)
  const folder = message && (await estate.folder(message.mailbox))
  const draft = drafts.get(operation.ref)
  if (message === undefined || folder === undefined) {
    // Its mailbox has been removed since.
    if (draft !== undefined) await removeFile(draft.path)
    return []
  }
  const { key, size } = message
  if (folder.files.has(key)) {
    // Done before a crash, and not confirmed.
    if (draft !== undefined) await removeFile(draft.path)
    folder.noteFoundUid(operation.uid, key, (folder.files.get(key) as FolderFile).stem)
    // The operations before it have brought its source back.
    return operation.kind === 'moved' ? removeMessage(estate, operation.source) : []
  }
  const flags = records.get(operation.ref)?.flags ?? []
  const letters = lettersOf(flags, await folder.keywords.learn(flags))
  const fileOf = (stem: string): FolderFile =>
    letters === ''
      ? { place: 'new', name: stem, stem, letters }
      : { place: 'cur', name: formatFileName(stem, letters), stem, letters }

  if (draft !== undefined) {
    const file = fileOf(stemOf(key, draft.size, size))
    await rename(draft.path, folder.pathOf(file))
    const { written } = estate.parts
    if (written.has(operation.source)) {
      written.set(operation.source, Promise.resolve(JSON.stringify({ size: draft.size, at: folder.pathOf(file) })))
    }
    return took(folder, key, operation.uid, file)
  }
  const brought = await withFile(estate, operation.source, async (from) => {
    const sizes = from.file.stem.match(/,[SW]=\d+/g)?.join('') ?? ''
    const file = fileOf(`${key}${sizes}`)
    const bring = operation.kind === 'moved' ? rename : link
    await bring(from.folder.pathOf(from.file), folder.pathOf(file))
    return { from, file }
  })
  if (brought === undefined) {
    await lost(estate, operation)
    return []
  }
  const { from, file } = brought
  if (operation.kind === 'moved') from.folder.delete(from.key)
  const touched = [...took(folder, key, operation.uid, file), join(from.folder.path, from.file.place)]
  if (from.change.last !== from.change.next) {
    await takeLetters(estate, folder, [operation.uid], from.change)
    const [record] = await estate.parts.mirrored.store.records(estate.account, folder.mailbox, [operation.uid])
    if (record !== undefined) await renameOne(estate, folder, record)
  }
  return touched
}

function took(folder: Folder, key: string, uid: number, file: FolderFile): string[] {
  folder.set(key, file)
  folder.uids?.set(key, uid)
  folder.noteUid(uid, file.stem)
  return [join(folder.path, file.place)]
}

export async function removeMessage(estate: Estate, ref: BlobRef): Promise<readonly string[]> {
  const found = await withFile(estate, ref, async (located) => {
    await unlink(located.folder.pathOf(located.file))
    return located
  })
  if (found === undefined) return []
  found.folder.delete(found.key)
  return [join(found.folder.path, found.file.place)]
}

/** Renames the files of messages whose flags have changed to what the store now has. @returns the directories they are in */
export async function renameByFlags(
  estate: Estate,
  { mailbox, ranges }: Extract<MirrorOperation, { kind: 'flags' }>,
): Promise<readonly string[]> {
  const folder = await estate.folder(mailbox)
  if (folder === undefined) return []
  if (!folder.isListed) await folder.list()
  const uids = ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at))
  await renameByUids(estate, folder, uids)
  return folder.places
}

export async function renameByUids(estate: Estate, folder: Folder, uids: readonly number[]): Promise<void> {
  const { store } = estate.parts.mirrored
  for (let at = 0; at < uids.length; at += FLAG_BATCH) {
    const records = await store.records(estate.account, folder.mailbox, uids.slice(at, at + FLAG_BATCH))
    for (const record of records) await renameOne(estate, folder, record)
  }
}

async function renameOne(estate: Estate, folder: Folder, record: MessageRecord): Promise<void> {
  const key = parseMessageRef(record.blob)?.key
  const known = key && (await folder.find(key))
  if (key === undefined || !known) return
  let { flags } = record
  let file = known
  for (let attempt = 0; attempt < RENAMES; attempt++) {
    const letters = lettersOf(flags, await folder.keywords.learn(flags), file.letters)
    if (letters === file.letters && (file.place === 'cur' || letters === '')) return
    try {
      await folder.rename(key, { ...file, place: 'cur', name: formatFileName(file.stem, letters), letters })
      return
    } catch (cause) {
      if (codeOfFault(cause) === 'ENAMETOOLONG') {
        const { log } = estate.parts
        log.warn(
          { account: estate.account, file: folder.pathOf(file) },
          'a program has given a message so long a name that its flags find no room in it',
        )
        return
      }
      if (!isGone(cause)) throw cause
    }
    // Another program was quicker. What it has changed counts, and so does what we change.
    const found = await folder.findAgain(key)
    if (found === undefined) return
    await takeLetters(estate, folder, [record.uid], { last: file.letters, next: found.letters })
    const { store } = estate.parts.mirrored
    flags = (await store.records(estate.account, folder.mailbox, [record.uid]))[0]?.flags ?? flags
    file = found
  }
}

interface Located {
  readonly folder: Folder
  readonly key: string
  readonly file: FolderFile
  /** What another program has done to it since we last looked. */
  readonly change: LetterChange
}

/** The file of a message of this or another account; undefined when it is gone. */
async function locate(estate: Estate, ref: BlobRef): Promise<Located | undefined> {
  const message = parseMessageRef(ref)
  if (message === undefined) return undefined
  const { account, mailbox, key } = message
  const folder = account === estate.account ? await estate.folder(mailbox) : await foreign(estate, message)
  if (folder === undefined) return undefined
  const known = await folder.find(key)
  const isThere = known !== undefined && (await exists(folder.pathOf(known)))
  // What is known of it is left as it is: the next look finds what another program has done.
  const file = isThere ? known : await folder.lookFor(key)
  if (file === undefined) return undefined
  return { folder, key, file, change: { last: known?.letters ?? file.letters, next: file.letters } }
}

/**
 * Works on the file of a message. When another program gives it another name in this moment, the work is begun again.
 * @returns what the work gives; undefined when the file is gone
 */
async function withFile<T>(
  estate: Estate,
  ref: BlobRef,
  work: (located: Located) => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    const located = await locate(estate, ref)
    if (located === undefined) return undefined
    try {
      return await work(located)
    } catch (cause) {
      if (!isGone(cause) || attempt === RENAMES) throw cause
    }
  }
}

async function foreign({ parts }: Estate, { account, mailbox }: MessageRef): Promise<Folder | undefined> {
  const held = parts.folderOf(account, mailbox)
  if (held !== undefined) return held
  const [root, directory] = await Promise.all([
    storedPath(parts.engine, account),
    storedFolder(parts.engine, account, mailbox),
  ])
  return root === undefined || directory === undefined ? undefined : new Folder(root, directory, mailbox)
}

/** Another program has removed the file that was to be copied or moved: then the copy is gone as well. */
async function lost({ parts, account }: Estate, { mailbox, uid, ref }: Arriving): Promise<void> {
  const [record] = await parts.mirrored.store.records(account, mailbox, [uid]).catch(() => [])
  if (record?.blob !== ref) return
  parts.log.warn({ account, mailbox, uid }, 'a message was removed by another program before its copy was made')
  await parts.mirrored.store.expunge(account, mailbox, [uid])
}
