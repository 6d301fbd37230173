import { MailError } from '../../errors/mail-error.ts'

/** STATUS of a mailbox, kept right by every commit that touches it, so that nothing is ever counted. */
export interface MailboxCounters {
  uidValidity: number
  /** Highest UID given out; never falls. */
  lastUid: number
  highestModSeq: bigint
  messages: number
  unseen: number
  deleted: number
  /** Messages from `firstRecent` on. */
  recent: number
  /** First UID that no session has taken as its `\Recent` yet. */
  firstRecent: number
  size: number
}

const VERSION = 1
const SIZE = 45

export function newCounters(uidValidity: number, modSeq: bigint): MailboxCounters {
  return {
    uidValidity,
    lastUid: 0,
    highestModSeq: modSeq,
    messages: 0,
    unseen: 0,
    deleted: 0,
    recent: 0,
    firstRecent: 1,
    size: 0,
  }
}

export function encodeCounters(counters: MailboxCounters): Buffer {
  const bytes = Buffer.allocUnsafe(SIZE)
  bytes[0] = VERSION
  bytes.writeUInt32BE(counters.uidValidity, 1)
  bytes.writeUInt32BE(counters.lastUid, 5)
  bytes.writeBigUInt64BE(counters.highestModSeq, 9)
  bytes.writeUInt32BE(counters.messages, 17)
  bytes.writeUInt32BE(counters.unseen, 21)
  bytes.writeUInt32BE(counters.deleted, 25)
  bytes.writeUInt32BE(counters.recent, 29)
  bytes.writeUInt32BE(counters.firstRecent, 33)
  bytes.writeDoubleBE(counters.size, 37)
  return bytes
}

export function decodeCounters(bytes: Buffer): MailboxCounters {
  if (bytes[0] !== VERSION || bytes.length !== SIZE) throw new MailError('CORRUPT', 'mailbox counters are unreadable')
  return {
    uidValidity: bytes.readUInt32BE(1),
    lastUid: bytes.readUInt32BE(5),
    highestModSeq: bytes.readBigUInt64BE(9),
    messages: bytes.readUInt32BE(17),
    unseen: bytes.readUInt32BE(21),
    deleted: bytes.readUInt32BE(25),
    recent: bytes.readUInt32BE(29),
    firstRecent: bytes.readUInt32BE(33),
    size: bytes.readDoubleBE(37),
  }
}
