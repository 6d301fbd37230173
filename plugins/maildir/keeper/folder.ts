import { lstat, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MailboxId } from 'mailserver'
import { isGone } from '../faults.ts'
import { draftOf, exists, fingerprint, namesIn, removeFile } from '../files/disk.ts'
import { KeywordList } from '../files/keyword-list.ts'
import { appendUidList, mendUidList, type UidEntry, uidListOf } from '../files/uid-list.ts'
import { parseFileName } from '../names/file-name.ts'

export type Place = 'new' | 'cur'

/** A message file as it was last seen. */
export interface FolderFile {
  readonly place: Place
  readonly name: string
  readonly stem: string
  readonly letters: string
}

/** How often a file is looked for that is not there, while names change around it. */
const LOOKS = 3
/** Two changes within so long may have one time. */
const TICK_MS = 10
/** How long an event of our own doing may take to come. */
const EXPECTED_MS = 5_000

type UidRange = readonly [first: number, end: number]

/** Ranges of UIDs that are remembered. */
const MAX_RANGES = 1_000

/** One mailbox's directory: its files by key, and what the store knows of them. */
export class Folder {
  readonly mailbox: MailboxId
  /** Below the account's directory; empty for INBOX. */
  readonly directory: string
  readonly path: string
  readonly keywords: KeywordList
  /** Files as of the last listing and our own changes since. */
  files = new Map<string, FolderFile>()
  isListed = false
  /** UIDs of the files that the store has; set once the folder was compared with the store as a whole. */
  uids: Map<string, number> | undefined
  /** The uidlist must be written anew. */
  isListStale = false
  /** Fingerprint of the uidlist when it was last read or written, and the UID that was next in it. */
  listPrint: string | undefined
  #listNext: number | undefined
  /** At the last look something was missing that a commit speaks of. */
  isUnsettled = false
  /** Modification times of `new` and `cur` before the last listing. */
  listedAt = ''
  readonly #expected = new Map<string, { count: number; until: number }>()
  readonly #newUids: UidEntry[] = []
  /** UIDs that other programs have given. */
  readonly #foreignUids: UidRange[] = []
  /** Keys in the uidlist, when what was done before is done again. */
  #listed: ReadonlySet<string> | undefined

  constructor(root: string, directory: string, mailbox: MailboxId) {
    this.mailbox = mailbox
    this.directory = directory
    this.path = join(root, directory)
    this.keywords = new KeywordList(this.path)
  }

  pathOf({ place, name }: { place: Place; name: string }): string {
    return join(this.path, place, name)
  }

  /** Its directories that hold messages. */
  get places(): readonly string[] {
    return [join(this.path, 'new'), join(this.path, 'cur')]
  }

  set(key: string, file: FolderFile): void {
    this.files.set(key, file)
    this.#expect(file)
  }

  delete(key: string): void {
    const file = this.files.get(key)
    if (file !== undefined) this.#expect(file)
    this.files.delete(key)
    this.uids?.delete(key)
  }

  /** Gives the file of a key another name. @throws what `rename` throws */
  async rename(key: string, to: FolderFile): Promise<void> {
    const from = this.files.get(key)
    if (from === undefined || (from.place === to.place && from.name === to.name)) return
    await rename(this.pathOf(from), this.pathOf(to))
    this.#expect(from)
    this.set(key, to)
  }

  /** The file of a key, after another look when it is not known. What is known of others is left as it is. */
  async find(key: string): Promise<FolderFile | undefined> {
    if (!this.isListed) await this.list()
    return this.files.get(key) ?? this.findAgain(key)
  }

  /** Looks for a file whose name has changed. */
  async findAgain(key: string): Promise<FolderFile | undefined> {
    const file = await this.lookFor(key)
    if (file === undefined) this.files.delete(key)
    else this.files.set(key, file)
    return file
  }

  /** The file of a key as it is now: one whose name changes while a directory is read may be left out of it. */
  async lookFor(key: string): Promise<FolderFile | undefined> {
    for (let look = 0; ; look++) {
      const before = await this.times()
      const file = (await this.look()).get(key)
      if (file !== undefined || look === LOOKS) return file
      const isAtRest = Date.now() - Math.max(...before) > TICK_MS
      if (isAtRest && String(await this.times()) === String(before)) return undefined
      await sleep(TICK_MS)
    }
  }

  /** When names last changed in both directories, milliseconds since the epoch; 0 of one that is not there. */
  async times(): Promise<readonly number[]> {
    const times = this.places.map(async (place) => {
      try {
        return Number((await stat(place, { bigint: true })).mtimeNs) / 1e6
      } catch (cause) {
        if (isGone(cause)) return 0
        throw cause
      }
    })
    return Promise.all(times)
  }

  /** Looks at both directories. */
  async list(): Promise<void> {
    this.files = await this.look()
    this.isListed = true
  }

  /** Files as they are now; one that is there twice, as a crash of another program leaves it, is put right. */
  async look(): Promise<Map<string, FolderFile>> {
    const found = new Map<string, FolderFile>()
    for (const place of ['new', 'cur'] as const) {
      for (const name of await namesIn(join(this.path, place))) {
        const parsed = parseFileName(name)
        if (parsed === undefined) continue
        const file = { place, name, stem: parsed.stem, letters: parsed.letters }
        const twin = found.get(parsed.key)
        if (twin !== undefined && !(await this.#settleTwins(twin, file))) continue
        found.set(parsed.key, file)
      }
    }
    return found
  }

  /** Was the event caused by a change of ours? */
  isOwn(place: string, name: string): boolean {
    const at = `${place}/${name}`
    const expected = this.#expected.get(at)
    if (expected === undefined || expected.until < Date.now()) return false
    expected.count -= 1
    if (expected.count === 0) this.#expected.delete(at)
    return true
  }

  noteUid(uid: number, stem: string): void {
    this.#newUids.push([uid, stem])
  }

  /** What was done before is done again: looks at what is there of it, and puts right what a power failure left half done. */
  async beginAgain(): Promise<void> {
    this.forgetNewUids()
    await removeFile(draftOf(uidListOf(this.path)))
    this.#listed = await mendUidList(this.path)
    await this.list()
    // What other programs have done since the last look is found by comparing with the store.
    this.uids = undefined
  }

  /** Notes the UID of a message that was there already, should the list not have it. */
  noteFoundUid(uid: number, key: string, stem: string): void {
    if (!this.#listed?.has(key)) this.noteUid(uid, stem)
  }

  /** The uidlist as another program may have written it. */
  sawList(print: string, uidNext: number): void {
    const before = this.#listNext
    if (print !== this.listPrint && before !== undefined && uidNext > before) {
      this.#foreignUids.push([before, uidNext])
      if (this.#foreignUids.length > MAX_RANGES) this.#foreignUids.shift()
    }
    this.wroteList(print, uidNext)
  }

  wroteList(print: string, uidNext: number): void {
    this.listPrint = print
    this.#listNext = Math.max(uidNext, this.#listNext ?? 0)
  }

  /** May another program have given it to a message of its own? */
  isForeignUid(uid: number): boolean {
    return this.#foreignUids.some(([first, end]) => uid >= first && uid < end)
  }

  /** The list is written with all UIDs of the store. */
  forgetNewUids(): void {
    this.#newUids.length = 0
  }

  get hasNewUids(): boolean {
    return this.#newUids.length > 0
  }

  /** Adds the UIDs noted to the uidlist, on disk. @returns false when the list must be written anew for it */
  async writeUids(): Promise<boolean> {
    const path = uidListOf(this.path)
    const entries = this.#newUids.splice(0).sort(([a], [b]) => a - b)
    // Until it has worked, nobody knows what of them is in the list.
    this.isListStale = true
    const isOurs = (await fingerprint(path)) === this.listPrint
    if (entries.some(([uid]) => this.isForeignUid(uid))) return false
    if (!(await appendUidList(this.path, entries, isOurs))) return false
    this.wroteList(await fingerprint(path), (entries.at(-1)?.[0] ?? 0) + 1)
    this.isListStale = false
    return true
  }

  /** @returns whether `second` is to be taken; the other is gone, or is a message of its own under a new name */
  async #settleTwins(first: FolderFile, second: FolderFile): Promise<boolean> {
    try {
      const [a, b] = await Promise.all([lstat(this.pathOf(first)), lstat(this.pathOf(second))])
      if (a.ino === b.ino) await removeFile(this.pathOf(first))
      else {
        const unique = `${process.hrtime.bigint()}.twin.${first.name}`
        await rename(this.pathOf(first), join(this.path, first.place, unique))
      }
      return true
    } catch {
      // One of them went away in this moment: it was being renamed.
      return exists(this.pathOf(second))
    }
  }

  #expect({ place, name }: { place: Place; name: string }): void {
    const now = Date.now()
    if (this.#expected.size > 10_000)
      for (const [at, { until }] of this.#expected) if (until < now) this.#expected.delete(at)
    const at = `${place}/${name}`
    const count = (this.#expected.get(at)?.count ?? 0) + 1
    this.#expected.set(at, { count, until: now + EXPECTED_MS })
  }
}
