import { MailError } from '../../errors/mail-error.ts'
import type { MessageState } from '../mail-store.ts'
import { type Flags, flagList } from './flags.ts'

/**
 * What of a message changes or is read in bulk: version, flag bits, MODSEQ, INTERNALDATE, size, and the keywords as
 * text to the end. A scan of a large mailbox decodes each in well under a microsecond.
 */
const VERSION = 1
const MODSEQ_AT = 2
const DATE_AT = 10
const SIZE_AT = 18
const KEYWORDS_AT = 24

export interface StateRecord extends Flags {
  readonly modSeq: bigint
  readonly internalDate: number
  readonly size: number
}

export function encodeState(state: StateRecord): Buffer {
  const bytes = Buffer.allocUnsafe(KEYWORDS_AT + state.keywords.length)
  bytes[0] = VERSION
  bytes[1] = state.bits
  bytes.writeBigUInt64BE(state.modSeq, MODSEQ_AT)
  bytes.writeDoubleBE(state.internalDate, DATE_AT)
  bytes.writeUIntBE(state.size, SIZE_AT, 6)
  bytes.write(state.keywords, KEYWORDS_AT, 'latin1')
  return bytes
}

export function decodeState(bytes: Buffer): StateRecord {
  check(bytes)
  return {
    bits: bytes[1] as number,
    keywords: keywordsOf(bytes),
    modSeq: bytes.readBigUInt64BE(MODSEQ_AT),
    internalDate: bytes.readDoubleBE(DATE_AT),
    size: bytes.readUIntBE(SIZE_AT, 6),
  }
}

export function toMessageState(uid: number, bytes: Buffer): MessageState {
  check(bytes)
  return {
    uid,
    flags: flagList(bytes[1] as number, keywordsOf(bytes)),
    modSeq: bytes.readBigUInt64BE(MODSEQ_AT),
    internalDate: bytes.readDoubleBE(DATE_AT),
    size: bytes.readUIntBE(SIZE_AT, 6),
  }
}

/** The same message with other flags. */
export function withFlags(bytes: Buffer, flags: Flags, modSeq: bigint): Buffer {
  const changed = Buffer.allocUnsafe(KEYWORDS_AT + flags.keywords.length)
  bytes.copy(changed, 0, 0, KEYWORDS_AT)
  changed[1] = flags.bits
  changed.writeBigUInt64BE(modSeq, MODSEQ_AT)
  changed.write(flags.keywords, KEYWORDS_AT, 'latin1')
  return changed
}

function keywordsOf(bytes: Buffer): string {
  return bytes.length === KEYWORDS_AT ? '' : bytes.toString('latin1', KEYWORDS_AT)
}

function check(bytes: Buffer): void {
  if (bytes[0] !== VERSION || bytes.length < KEYWORDS_AT)
    throw new MailError('CORRUPT', 'the state of a message is unreadable')
}
