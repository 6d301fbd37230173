import { randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { isGone } from '../faults.ts'
import { parseFileName } from '../names/file-name.ts'
import { openForAppend, readText, replaceFile, withDotLock } from './disk.ts'

/** UIDs of a folder as Dovecot (`dovecot-uidlist`) or Courier (`courierimapuiddb`) has them. */
export interface UidList {
  readonly uidValidity: number
  readonly uidNext: number
  /** Dovecot's id of the mailbox, 32 hexadecimal digits. */
  readonly guid?: string
  /** UID by the key of the file. */
  readonly uids: ReadonlyMap<string, number>
}

const DOVECOT = 'dovecot-uidlist'
const COURIER = 'courierimapuiddb'
const MAX_UID = 0xffff_fffe
/** The last line of a list is to be found in so many octets: a name has 255 at most. */
const TAIL = 1_024

export const uidListOf = (folder: string): string => join(folder, DOVECOT)

/** Works while no other program gives UIDs in the folder, or names to keywords: Dovecot does both under this lock. */
export const withUidList = <T>(folder: string, work: () => Promise<T>): Promise<T> =>
  withDotLock(uidListOf(folder), work)

/** The list of a folder; Courier's where Dovecot has none. Undefined when there is none that can be used. */
export async function readUidList(folder: string): Promise<UidList | undefined> {
  const dovecot = await readText(uidListOf(folder))
  if (dovecot !== undefined) return parseDovecotList(dovecot)
  const courier = await readText(join(folder, COURIER))
  return courier === undefined ? undefined : parseCourierList(courier)
}

/** Versions 1 and 3 (Dovecot 1.0 and later). Lines that make no sense, and UIDs given twice, are left out. */
export function parseDovecotList(text: string): UidList | undefined {
  const [head = '', ...lines] = text.split('\n')
  const words = head.split(' ')
  const isOld = words[0] === '1'
  if (!isOld && words[0] !== '3') return undefined
  const field = (letter: string) => words.find((word) => word.startsWith(letter))?.slice(1)
  const guid = field('G')
  const pattern = isOld ? /^(\d{1,10}) (.+)$/ : /^(\d{1,10})(?: [^:]*)? :(.+)$/
  return listOf({
    uidValidity: Number(isOld ? words[1] : field('V')),
    uidNext: Number(isOld ? words[2] : field('N')),
    ...(guid !== undefined && /^[0-9a-f]{32}$/.test(guid) && { guid }),
    entries: lines.map((line) => pattern.exec(line)),
  })
}

function parseCourierList(text: string): UidList | undefined {
  const [head = '', ...lines] = text.split('\n')
  const [version, uidValidity, uidNext] = head.split(' ')
  if (version !== '1') return undefined
  return listOf({
    uidValidity: Number(uidValidity),
    uidNext: Number(uidNext),
    entries: lines.map((line) => /^(\d{1,10}) (.+)$/.exec(line)),
  })
}

function listOf(found: {
  uidValidity: number
  uidNext: number
  guid?: string
  entries: readonly (RegExpExecArray | null)[]
}): UidList | undefined {
  const { uidValidity, uidNext, guid, entries } = found
  if (!Number.isInteger(uidValidity) || uidValidity < 1 || uidValidity > 0xffff_ffff) return undefined
  const uids = new Map<string, number>()
  const given = new Set<number>()
  let highest = 0
  for (const match of entries) {
    if (match === null) continue
    const uid = Number(match[1])
    const key = parseFileName(match[2] as string)?.key
    if (key === undefined || uid < 1 || uid > MAX_UID || given.has(uid) || uids.has(key)) continue
    given.add(uid)
    uids.set(key, uid)
    highest = Math.max(highest, uid)
  }
  const next = Number.isInteger(uidNext) && uidNext > 0 && uidNext <= MAX_UID ? uidNext : 1
  return { uidValidity, uidNext: Math.max(next, highest + 1), uids, ...(guid !== undefined && { guid }) }
}

/** One message of a list: its UID and the stem of its file's name. */
export type UidEntry = readonly [uid: number, stem: string]

/** Writes the list anew, so that Dovecot takes it. @param entries ascending */
export async function writeUidList(
  folder: string,
  list: { readonly uidValidity: number; readonly uidNext: number; readonly guid?: string | undefined },
  entries: readonly UidEntry[],
): Promise<void> {
  const path = uidListOf(folder)
  const guid = list.guid ?? randomBytes(16).toString('hex')
  const head = `3 V${list.uidValidity} N${list.uidNext} G${guid}\n`
  await withDotLock(path, () => replaceFile(path, head + linesOf(entries)))
}

/**
 * Adds messages at the end; they are on disk when it resolves.
 * @param entries ascending, at least one @param isOurs nobody else has written to the list since we did
 * @returns false when there is no list that they can be added to, for its UIDs ascend: then it is to be written anew
 */
export async function appendUidList(folder: string, entries: readonly UidEntry[], isOurs: boolean): Promise<boolean> {
  const path = uidListOf(folder)
  const first = entries[0]?.[0] ?? 0
  return withDotLock(path, async () => {
    const handle = await openForAppend(path).catch((cause: unknown) => {
      if (isGone(cause)) return undefined
      throw cause
    })
    if (handle === undefined) return false
    try {
      const last = await lastUid(handle)
      if (last === undefined || first <= last) return false
      if (!isOurs && (await statedNext(handle)) > first) return false
      await handle.writeFile(linesOf(entries))
      await handle.datasync()
      return true
    } finally {
      await handle.close()
    }
  })
}

/** UIDNEXT as the head of the list has it. */
async function statedNext(handle: FileHandle): Promise<number> {
  const head = Buffer.alloc(TAIL)
  const { bytesRead } = await handle.read(head, 0, TAIL, 0)
  return parseDovecotList(head.toString('latin1', 0, bytesRead).split('\n', 1).join())?.uidNext ?? MAX_UID
}

/** The UID of the last line; 0 of a list without messages. Undefined when the list does not end as it should. */
async function lastUid(handle: FileHandle): Promise<number | undefined> {
  const { size } = await handle.stat()
  const tail = Buffer.alloc(Math.min(size, TAIL))
  await handle.read(tail, 0, tail.length, size - tail.length)
  const lines = tail.toString('latin1').split('\n')
  const last = lines.at(-2)
  if (lines.at(-1) !== '' || last === undefined || last.includes('\0')) return undefined
  const isHead = lines.length === 2 && size <= TAIL
  return isHead ? 0 : Number.parseInt(last, 10) || undefined
}

/**
 * What a power failure left half written at the end of the list goes, and the rest of it is on disk when this resolves.
 * @returns keys of the messages that it names; undefined when there is no list
 */
export async function mendUidList(folder: string): Promise<ReadonlySet<string> | undefined> {
  const path = uidListOf(folder)
  return withDotLock(path, async () => {
    const text = await readText(path)
    if (text === undefined) return undefined
    const hole = text.indexOf('\0')
    const whole = text.slice(0, text.lastIndexOf('\n', hole === -1 ? text.length : hole) + 1)
    const handle = await openForAppend(path)
    try {
      if (whole.length < text.length) await handle.truncate(Buffer.byteLength(whole))
      await handle.datasync()
    } finally {
      await handle.close()
    }
    return new Set(parseDovecotList(whole)?.uids.keys())
  })
}

const linesOf = (entries: readonly UidEntry[]): string => entries.map(([uid, stem]) => `${uid} :${stem}\n`).join('')
