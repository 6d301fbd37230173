import { expect, test } from 'vitest'
import type { MessageIndex, PartIndex } from '../../src/mail/message-index.ts'
import { decodeIndex, encodeIndex } from '../../src/store/records/index-codec.ts'
import { indexFields } from '../support/index-fields.ts'

const part = (more: Partial<PartIndex> = {}): PartIndex => ({
  type: 'text',
  subtype: 'plain',
  headerStart: 0,
  bodyStart: 300,
  bodyEnd: 5_000_000_000,
  lines: 70_000,
  encoding: '7bit',
  children: [],
  ...more,
})

/** Required: a field that is added to MessageIndex does not compile here until this test has it, and fails until the codec does. */
const full: Required<MessageIndex> = {
  size: 2 ** 40,
  crlfExtra: 129,
  envelope: Buffer.from('("Mon" {2}\r\n\xff\x00)', 'latin1'),
  bodyStructure: Buffer.alloc(70_000, 'x'),
  body: Buffer.from('()'),
  root: part({
    type: 'multipart',
    subtype: 'x-odd-é',
    charset: 'x-unheard-of',
    children: [
      part({ charset: 'utf-8' }),
      part({ type: 'message', subtype: 'rfc822', children: [part({ encoding: '' })] }),
    ],
  }),
  subject: '',
  messageId: '<é@example.test>',
  sentAt: -1.5,
  inReplyTo: ['<a@b>'],
  references: ['<é@b>', '<c@d>'],
  preview: 'Grüße 👋',
  eightBitHeader: true,
  eightBitBody: true,
}

test('gives back every field of an index', () => {
  expect(indexFields(decodeIndex(encodeIndex(full)))).toStrictEqual(full)
})

test('gives back an index with nothing in it that may be missing', () => {
  const { size, envelope, bodyStructure, body, root } = full
  const bare: MessageIndex = { size, envelope, bodyStructure, body, root }
  expect(indexFields(decodeIndex(encodeIndex(bare)))).toEqual(bare)
})

test.each([{ eightBitHeader: true }, { eightBitBody: true }] as const)('keeps %j apart from the other', (bit) => {
  const { eightBitHeader: _, eightBitBody: __, ...rest } = full
  expect(indexFields(decodeIndex(encodeIndex({ ...rest, ...bit })))).toEqual({ ...rest, ...bit })
})

test('gives back parts nested deeply', () => {
  let root = part()
  for (let depth = 0; depth < 500; depth++) root = part({ children: [root] })
  expect(decodeIndex(encodeIndex({ ...full, root })).root).toStrictEqual(root)
})

test('does not decode what is not asked for, and the parts once', () => {
  const bytes = encodeIndex(full)
  const cut = decodeIndex(bytes.subarray(0, bytes.length - 5))
  expect(cut.subject).toBe('')
  for (let again = 0; again < 2; again++) expect(() => cut.root).toThrow('ends too early')
  const index = decodeIndex(bytes)
  expect(index.root).toBe(index.root)
})

test('says that a record is corrupt, wherever it is cut', () => {
  const bytes = encodeIndex({ ...full, bodyStructure: Buffer.from('()') })
  for (let end = 0; end < bytes.length; end++) {
    expect(() => decodeIndex(bytes.subarray(0, end)).root, `${end} octets`).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    )
  }
})

test('refuses a version it does not know', () => {
  const bytes = encodeIndex(full)
  bytes[0] = 9
  expect(() => decodeIndex(bytes)).toThrow('unknown version 9')
})
