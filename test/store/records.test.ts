import { describe, expect, test } from 'vitest'
import type { BlobRef } from '../../src/store/blob-store.ts'
import { decodeAccount, encodeAccount, newAccountRecord } from '../../src/store/records/account-record.ts'
import { ByteReader, ByteWriter } from '../../src/store/records/bytes.ts'
import { decodeCopy, encodeCopy, encodeNewCopy } from '../../src/store/records/copy-record.ts'
import { applyFlags, flagList, parseFlags } from '../../src/store/records/flags.ts'
import { decodeCounters, encodeCounters, newCounters } from '../../src/store/records/mailbox-counters.ts'
import { decodeMailbox, encodeMailbox, mailboxId, mailboxNumber } from '../../src/store/records/mailbox-record.ts'
import { ascending, fromRanges, toRanges } from '../../src/store/records/uid-ranges.ts'

const corrupt = expect.objectContaining({ code: 'CORRUPT' })

const account = {
  isLive: true,
  modSeq: 2n ** 62n,
  logFloor: 7n,
  logCount: 20_001,
  logBytes: 2 ** 40,
  lastMailbox: 0xffff_ffff,
  lastUidValidity: 0xffff_fffe,
  lostUidValidity: 3,
  usedBytes: 2 ** 50,
  usedMessages: 2 ** 33,
  maxBytes: 0,
  maxMessages: undefined,
}
const counters = {
  ...newCounters(0xffff_ffff, 2n ** 62n),
  lastUid: 0xffff_fffe,
  messages: 5,
  deleted: 4,
  size: 2 ** 50,
}
const emailIdOf = (blob: string) => decodeCopy(encodeNewCopy('kept' as BlobRef, blob as BlobRef, 1)).emailId
const copy = { blob: 'segment:ü' as BlobRef, emailId: emailIdOf('segment:ü'), savedAt: 1.5 }
const mailbox = { number: 7, uidValidity: 9, specialUse: 'junk', createdAt: 11 } as const

describe('records', () => {
  test('come back as they went in', () => {
    expect(decodeAccount(encodeAccount(account))).toStrictEqual(account)
    expect(decodeAccount(encodeAccount(newAccountRecord()))).toStrictEqual(newAccountRecord())
    expect(decodeCounters(encodeCounters(counters))).toStrictEqual(counters)
    expect(decodeCopy(encodeCopy(copy))).toStrictEqual(copy)
    expect(decodeMailbox(encodeMailbox(mailbox))).toStrictEqual(mailbox)
  })

  test('are corrupt, and not something else, when they are cut or of another version', () => {
    const fixed = [
      [encodeAccount(account), decodeAccount],
      [encodeCounters(counters), decodeCounters],
      [encodeMailbox(mailbox), decodeMailbox],
    ] as const
    for (const [bytes, decode] of fixed) {
      for (let end = 0; end < bytes.length; end++) expect(() => decode(bytes.subarray(0, end))).toThrow(corrupt)
    }
    for (let end = 0; end < 25; end++) expect(() => decodeCopy(encodeCopy(copy).subarray(0, end))).toThrow(corrupt)
    for (const [bytes, decode] of [...fixed, [encodeCopy(copy), decodeCopy]] as const) {
      expect(() => decode(Buffer.concat([Buffer.from([99]), bytes.subarray(1)]))).toThrow(corrupt)
    }
  })

  test('know a mailbox id from any other text', () => {
    expect(mailboxNumber(mailboxId(0xffff_ffff))).toBe(0xffff_ffff)
    for (const id of ['', 'm', 'm0', 'm01', 'm4294967296', 'm-1', 'x1', 'm1 ', 'm1e3', '__proto__']) {
      expect(() => mailboxNumber(id as never)).toThrow(expect.objectContaining({ code: 'MAILBOX_NOT_FOUND' }))
    }
  })

  test('give equal ids to copies of one blob alone', () => {
    expect(emailIdOf('a')).toBe(emailIdOf('a'))
    expect(emailIdOf('a')).not.toBe(emailIdOf('b'))
  })
})

describe('flags', () => {
  test('that are equal share one list', () => {
    expect(flagList(9, 'a b')).toBe(flagList(9, 'a b'))
    expect(flagList(9, 'a b')).toEqual(['\\Seen', '\\Deleted', 'a', 'b'])
    expect(() => (flagList(9, 'a b') as string[]).push('x')).toThrow(TypeError)
  })

  test('replaced by the same in other order or case are the same', () => {
    const old = parseFlags(['\\Seen', 'Alpha', 'Beta'])
    expect(applyFlags(old, 'replace', parseFlags(['BETA', '\\SEEN', 'alpha']))).toStrictEqual(old)
    expect(applyFlags(old, 'replace', parseFlags(['\\Seen', 'Alpha']))).toStrictEqual({ bits: 1, keywords: 'Alpha' })
    expect(applyFlags(old, 'replace', parseFlags(['Alpha', 'Beta', 'C'])).keywords).toBe('Alpha Beta C')
  })
})

describe('UIDs', () => {
  test('become ranges and UIDs again', () => {
    expect(toRanges([1, 2, 3, 7, 9, 10])).toEqual([
      [1, 3],
      [7, 7],
      [9, 10],
    ])
    for (const uids of [[], [5], [1, 3, 5], [1, 2, 3, 0xffff_ffff]]) expect(fromRanges(toRanges(uids))).toEqual(uids)
  })

  test('are put in order, each once, without what is none', () => {
    const sorted = [1, 2, 9]
    expect(ascending(sorted)).toBe(sorted)
    expect(ascending([9, 1, 2, 9, 0, -4, 1.5, Number.NaN, 2 ** 32])).toEqual([1, 2, 9])
    expect(ascending([2 ** 32])).toEqual([])
  })
})

test('numbers of every length are written and read', () => {
  const numbers = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER]
  const writer = new ByteWriter(1)
  for (const number of numbers) writer.varint(number)
  const reader = new ByteReader(writer.end())
  expect(numbers.map(() => reader.varint())).toEqual(numbers)
  expect(reader.isAtEnd).toBe(true)
  expect(() => reader.varint()).toThrow(corrupt)
  expect(() => new ByteReader(Buffer.alloc(20, 0xff)).varint()).toThrow(corrupt)
})
