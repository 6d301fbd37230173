import { describe, expect, it } from 'vitest'
import { indexMessage, MessageIndexer } from '../../src/mail/index-message.ts'
import type { PartIndex } from '../../src/mail/message-index.ts'

const crlf = (text: string): Buffer => Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1')
const index = (text: string) => indexMessage(crlf(text))
const structure = (text: string): string => index(text).bodyStructure.toString('latin1')
const bodyOf = (message: Buffer, part: PartIndex): string => message.toString('latin1', part.bodyStart, part.bodyEnd)

describe('parts by offsets', () => {
  it('counts octets and lines of a text without MIME fields', () => {
    const { root, size, body } = index('Subject: x\n\none\ntwo\n')
    expect(root).toEqual({
      type: 'text',
      subtype: 'plain',
      headerStart: 0,
      bodyStart: 14,
      bodyEnd: 24,
      lines: 2,
      encoding: '7bit',
      children: [],
    })
    expect(size).toBe(24)
    expect(body.toString()).toBe('("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2)')
  })

  it('gives the line end before a delimiter to the delimiter (RFC 2046 section 5.1.1)', () => {
    const message = crlf(
      'Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\nfirst\n--b\n\nsecond\n\n--b--\nepilogue\n',
    )
    const { children } = indexMessage(message).root
    expect(children.map((child) => bodyOf(message, child))).toEqual(['first', 'second\r\n'])
    expect(children.map((child) => child.lines)).toEqual([0, 1])
  })

  it('gives the same index for bare LF line ends', () => {
    const text =
      'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\nfirst\n--b\n\nsecond\n--b--\n'
    const message = Buffer.from(text)
    const { children } = indexMessage(message).root
    expect(children.map((child) => bodyOf(message, child))).toEqual(['first', 'second'])
    expect(children.map((child) => child.subtype)).toEqual(['html', 'plain'])
  })
})

describe('chunks', () => {
  it('make no difference, wherever they are cut', () => {
    const message = crlf(
      'Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\nA: 1\n\n-\n--\n--c\n--b\nContent-Type: message/rfc822\n\nFrom: a@b\n\nx\n\n--b--\n',
    )
    const whole = indexMessage(message)
    for (let size = 1; size < 40; size++) {
      const indexer = new MessageIndexer()
      for (let at = 0; at < message.length; at += size) indexer.write(message.subarray(at, at + size))
      expect(indexer.finish()).toEqual(whole)
    }
  })
})

describe('line ends', () => {
  it('are counted where they are not CRLF, wherever chunks are cut', () => {
    for (const [text, extra] of [
      ['', undefined],
      ['A: 1\r\n\r\nx\r\n', undefined],
      ['A: 1\n\nx\n', 3],
      ['A: 1\r\n\nx\r\n', 1],
      ['A: 1\r\n\r\nx', 2],
      ['A: 1\r\n\r\nx\r', 2],
      ['A: 1\r\n\r\nx\ry\r\n', undefined],
      ['\n', 1],
    ] as const) {
      const message = Buffer.from(text)
      for (let size = 1; size <= message.length + 1; size++) {
        const indexer = new MessageIndexer()
        for (let at = 0; at < message.length; at += size) indexer.write(message.subarray(at, at + size))
        expect(indexer.finish().crlfExtra, JSON.stringify(text)).toBe(extra)
      }
    }
  })
})

describe('BODYSTRUCTURE', () => {
  it('has the envelope, structure and lines of a message/rfc822 part (RFC 3501 section 7.4.2)', () => {
    expect(structure('Content-Type: message/rfc822\n\nSubject: in\nFrom: a@b.test\n\nx\n')).toBe(
      '("message" "rfc822" NIL NIL NIL "7bit" 34 (NIL "in" ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) NIL NIL NIL NIL NIL) ' +
        '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL) 4 NIL NIL NIL NIL)',
    )
  })
})
