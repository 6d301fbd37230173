import { hash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MailError } from '../../errors/mail-error.ts'
import type { AccountId, Acl, MetadataOwner, SpecialUse } from '../mail-store.ts'
import { makeDirectory, namesIn, syncDirectory, writeWhole } from './whole-files.ts'

/** One message as a backup has it; a line of a record file. */
export interface BackupMessage {
  readonly uid: number
  /** SHA-256 of its bytes; null when they could not be read. */
  readonly sha256: string | null
  readonly size: number
  readonly flags: readonly string[]
  /** Decimal. */
  readonly modSeq: string
  /** INTERNALDATE and SAVEDATE, milliseconds since the epoch. */
  readonly internalDate: number
  readonly savedAt: number
  readonly emailId: string
}

export interface BackupMailbox {
  readonly name: string
  readonly number: number
  readonly uidValidity: number
  readonly specialUse?: SpecialUse
  readonly createdAt: number
  readonly acl?: Acl
  /** Annotations (RFC 5464): whose they are, their names, and their values in base64. */
  readonly metadata?: readonly (readonly [owner: MetadataOwner, name: string, value: string])[]
  readonly lastUid: number
  readonly highestModSeq: string
  readonly messages: number
  /** Record files with its messages, by the number of their first UID over CHUNK_UIDS. */
  readonly chunks: readonly (readonly [chunk: number, file: string])[]
}

export interface BackupAccount {
  readonly id: AccountId
  /** Its address in the directory; null when it had none. */
  readonly address: string | null
  readonly modSeq: string
  readonly lastMailbox: number
  readonly lastUidValidity: number
  readonly lostUidValidity: number
  readonly maxBytes: number | null
  readonly maxMessages: number | null
  readonly subscriptions: readonly string[]
  readonly mailboxes: readonly BackupMailbox[]
}

/** The store at one moment. */
export interface BackupPoint {
  readonly format: 'mailserver-backup'
  readonly version: 1
  readonly point: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** False when only some accounts are in it. */
  readonly isWhole: boolean
  readonly accounts: readonly BackupAccount[]
  /** Record files of other rooms: `directory`, `queue`. */
  readonly sections: Readonly<Record<string, readonly string[]>>
}

/** UIDs whose records are in one file. */
export const CHUNK_UIDS = 2_048

const END = '.json'

/** Points in time of a backup: a file each, written last and by one rename, so that it is there whole or not at all. */
export class Points {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Oldest first. */
  async list(): Promise<readonly string[]> {
    const names = await namesIn(this.#directory)
    return names.filter((name) => name.endsWith(END)).map((name) => name.slice(0, -END.length))
  }

  async write(point: BackupPoint): Promise<void> {
    await makeDirectory(this.#directory)
    const text = JSON.stringify(point)
    await writeWhole(join(this.#directory, point.point + END), `${text}\n${hash('sha256', text, 'hex')}\n`)
    await syncDirectory(this.#directory)
  }

  /** @throws MailError NOT_FOUND, CORRUPT */
  async read(point: string): Promise<BackupPoint> {
    const bytes = await readFile(join(this.#directory, point + END), 'utf8').catch((cause) => {
      throw new MailError('NOT_FOUND', `the backup has no point ${point}`, { cause })
    })
    const [text = '', sum] = bytes.split('\n')
    if (hash('sha256', text, 'hex') !== sum) throw new MailError('CORRUPT', `the point ${point} is damaged`)
    const read = JSON.parse(text) as BackupPoint
    if (read.format !== 'mailserver-backup' || read.version !== 1) {
      throw new MailError('INVALID', `the point ${point} is of a version that is not known here`)
    }
    return read
  }

  async remove(point: string): Promise<void> {
    await rm(join(this.#directory, point + END), { force: true })
    await syncDirectory(this.#directory)
  }
}

/** Name of a point: its time, so that points sort by it. */
export const pointName = (at: number): string => new Date(at).toISOString().replace(/[:.]/g, '-')
