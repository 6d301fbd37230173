import { MailError } from '../../errors/mail-error.ts'

/** What an account has one of. Rewritten with every commit of the account, so it is small and of fixed size. */
export interface AccountRecord {
  /** False once the account is removed: its counters stay, so that no id and no UIDVALIDITY comes a second time. */
  isLive: boolean
  /** Highest MODSEQ given out. */
  modSeq: bigint
  /** Changes up to this MODSEQ are no longer in the log. */
  logFloor: bigint
  logCount: number
  logBytes: number
  lastMailbox: number
  lastUidValidity: number
  /** Highest UIDVALIDITY that a name has lost, by deletion or renaming. */
  lostUidValidity: number
  usedBytes: number
  usedMessages: number
  maxBytes: number | undefined
  maxMessages: number | undefined
}

const VERSION = 1
const SIZE = 74

export function newAccountRecord(): AccountRecord {
  return {
    isLive: false,
    modSeq: 0n,
    logFloor: 0n,
    logCount: 0,
    logBytes: 0,
    lastMailbox: 0,
    lastUidValidity: 0,
    lostUidValidity: 0,
    usedBytes: 0,
    usedMessages: 0,
    maxBytes: undefined,
    maxMessages: undefined,
  }
}

/** It had mailboxes once, which is what gives the first MODSEQ out; limits alone may be set before that. */
export const isRemoved = ({ isLive, modSeq }: AccountRecord): boolean => !isLive && modSeq > 0n

export function encodeAccount(record: AccountRecord): Buffer {
  const bytes = Buffer.allocUnsafe(SIZE)
  bytes[0] = VERSION
  bytes[1] = record.isLive ? 1 : 0
  bytes.writeBigUInt64BE(record.modSeq, 2)
  bytes.writeBigUInt64BE(record.logFloor, 10)
  bytes.writeUInt32BE(record.logCount, 18)
  bytes.writeDoubleBE(record.logBytes, 22)
  bytes.writeUInt32BE(record.lastMailbox, 30)
  bytes.writeUInt32BE(record.lastUidValidity, 34)
  bytes.writeUInt32BE(record.lostUidValidity, 38)
  bytes.writeDoubleBE(record.usedBytes, 42)
  bytes.writeDoubleBE(record.usedMessages, 50)
  bytes.writeDoubleBE(record.maxBytes ?? -1, 58)
  bytes.writeDoubleBE(record.maxMessages ?? -1, 66)
  return bytes
}

export function decodeAccount(bytes: Buffer): AccountRecord {
  if (bytes[0] !== VERSION || bytes.length !== SIZE) throw new MailError('CORRUPT', 'an account record is unreadable')
  return {
    isLive: bytes[1] === 1,
    modSeq: bytes.readBigUInt64BE(2),
    logFloor: bytes.readBigUInt64BE(10),
    logCount: bytes.readUInt32BE(18),
    logBytes: bytes.readDoubleBE(22),
    lastMailbox: bytes.readUInt32BE(30),
    lastUidValidity: bytes.readUInt32BE(34),
    lostUidValidity: bytes.readUInt32BE(38),
    usedBytes: bytes.readDoubleBE(42),
    usedMessages: bytes.readDoubleBE(50),
    maxBytes: limit(bytes.readDoubleBE(58)),
    maxMessages: limit(bytes.readDoubleBE(66)),
  }
}

const limit = (value: number): number | undefined => (value < 0 ? undefined : value)
