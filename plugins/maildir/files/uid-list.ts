import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { isGone } from '../faults.ts'
import { parseFileName } from '../names/file-name.ts'
import { appendText, readText, replaceFile, withDotLock } from './disk.ts'

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

/** The list of a folder; Courier's where Dovecot has none. Undefined when there is none that can be used. */
export async function readUidList(folder: string): Promise<UidList | undefined> {
  const dovecot = await readText(join(folder, DOVECOT))
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
  const path = join(folder, DOVECOT)
  const guid = list.guid ?? randomBytes(16).toString('hex')
  const head = `3 V${list.uidValidity} N${list.uidNext} G${guid}\n`
  await withDotLock(path, () => replaceFile(path, head + linesOf(entries)))
}

/** Adds messages at the end. @returns false when there is no list to add to */
export async function appendUidList(folder: string, entries: readonly UidEntry[]): Promise<boolean> {
  const path = join(folder, DOVECOT)
  return withDotLock(path, async () => {
    try {
      await appendText(path, linesOf(entries))
      return true
    } catch (cause) {
      if (isGone(cause)) return false
      throw cause
    }
  })
}

const linesOf = (entries: readonly UidEntry[]): string => entries.map(([uid, stem]) => `${uid} :${stem}\n`).join('')
