import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { indexMessage, MessageIndexer } from '../../src/mail/index-message.ts'
import type { MessageIndex, PartIndex } from '../../src/mail/message-index.ts'
import { parseImapValue } from './parse-imap-value.ts'

const MESSAGES = join(import.meta.dirname, '../../../shared/data/messages')

/** The same numbers in every run, so that a failure can be had again. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

function inChunks(message: Buffer, next: (limit: number) => number, largest: number): MessageIndex {
  const indexer = new MessageIndexer()
  for (let at = 0; at < message.length; ) {
    const length = next(largest + 1)
    // A copy of its own, as a socket gives it: a view would hide reads beyond the chunk.
    indexer.write(Buffer.from(message.subarray(at, at + length)))
    at += length
  }
  return indexer.finish()
}

const linesIn = (message: Buffer, from: number, to: number) =>
  message.toString('latin1', from, to).split('\n').length - 1

/** Whatever the message: parts lie within their parents, one after another, and the texts are of the IMAP grammar. */
function expectSound(message: Buffer, index: MessageIndex): void {
  expect(index.size).toBe(message.length)
  expect(index.root).toMatchObject({ headerStart: 0, bodyEnd: message.length })
  const visit = (part: PartIndex) => {
    expect(part.bodyStart).toBeGreaterThanOrEqual(part.headerStart)
    expect(part.bodyEnd).toBeGreaterThanOrEqual(part.bodyStart)
    expect(part.lines).toBe(linesIn(message, part.bodyStart, part.bodyEnd))
    let end = part.bodyStart
    for (const child of part.children) {
      expect(child.headerStart).toBeGreaterThanOrEqual(end)
      expect(child.bodyEnd).toBeLessThanOrEqual(part.bodyEnd)
      end = child.bodyEnd
      visit(child)
    }
  }
  visit(index.root)
  for (const text of [index.envelope, index.bodyStructure, index.body]) {
    expect(parseImapValue(text.toString('latin1')).end).toBe(text.length)
  }
}

const WORDS = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '--',
  '--b',
  '--b--',
  '--bc',
  '-',
  ' ',
  '\t',
  'Content-Type: ',
  'multipart/mixed; ',
  'boundary=b',
  'boundary="bc"',
  'message/rfc822',
  'multipart/digest; boundary=b',
  'text/plain',
  'Subject: ',
  'From: a@b',
  '=?utf-8?q?x?=',
  '(',
  '"',
  '<',
  ':',
  ';',
  '\0',
  '\xe9',
  'x',
  '{5}\r\n',
]
const START = 'Content-Type: multipart/mixed; boundary=b\r\n'

describe('random messages', () => {
  it('give the same sound index whatever chunks they come in', () => {
    const next = randomFrom(1)
    for (let round = 0; round < 1500; round++) {
      const words = Array.from({ length: next(60) }, () => WORDS[next(WORDS.length)])
      const message = Buffer.from((round % 2 === 0 ? START : '') + words.join(''), 'latin1')
      const whole = indexMessage(message)
      expectSound(message, whole)
      for (const largest of [1, 3, 20])
        expect(inChunks(message, next, largest), JSON.stringify(message.toString('latin1'))).toEqual(whole)
    }
  })

  it('of octets alone never throw', () => {
    const next = randomFrom(2)
    for (let round = 0; round < 200; round++) {
      const message = Buffer.from(Array.from({ length: next(2000) }, () => next(256)))
      expectSound(message, indexMessage(message))
    }
  })
})

describe.skipIf(!existsSync(MESSAGES))('real and malformed messages (needs ../shared/data/messages)', () => {
  it('give the same sound index whatever chunks they come in, and however they are damaged', () => {
    const next = randomFrom(3)
    const entries = readdirSync(MESSAGES, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(entries.length).toBeGreaterThan(100)
    for (const entry of entries) {
      const message = readFileSync(join(entry.parentPath, entry.name))
      const damaged = Buffer.from(message)
      for (let place = 0; place < 20; place++) damaged[next(damaged.length)] = next(256)
      for (const bytes of [message, damaged, message.subarray(0, next(message.length))]) {
        const whole = indexMessage(bytes)
        expectSound(bytes, whole)
        for (const largest of [50, 4000]) expect(inChunks(bytes, next, largest)).toEqual(whole)
      }
    }
  })
})

describe('hostile messages', () => {
  const MEBIBYTE = 1024 * 1024
  const fill = (unit: string) => unit.repeat(Math.ceil(MEBIBYTE / unit.length))

  it.each([
    ['comments', `To: ${fill('(')}\r\n\r\n`],
    ['quotes', `To: ${fill('"\\')}\r\n\r\n`],
    ['routes', `To: ${fill('<@a,')}\r\n\r\n`],
    ['encoded words', `Subject: ${fill('=?')}\r\n\r\n`],
    ['open encoded words', `Subject: ${fill('=?a?q?')}\r\n\r\n`],
    ['one long field', `Subject: ${fill('x')}\r\n\r\n`],
    ['one long header without a colon', fill('x')],
    ['white space', `Subject: x${fill(' ')}y\r\n\r\n`],
    ['folds', `Subject: x${fill('\r\n ')}y\r\n\r\n`],
    ['To fields', `${fill('To: a@b\r\n')}\r\n`],
    ['empty fields', `${fill('a:\n')}\n`],
    ['parameters', `Content-Type: text/plain${fill(';a=b')}\r\n\r\n`],
    ['continued parameters', `Content-Type: text/plain${fill(';a*1=b')}\r\n\r\n`],
    ['parameter comments', `Content-Type: text/plain; ${fill('(')}\r\n\r\n`],
    ['delimiters', `${START}\r\n${fill('--b\n')}`],
    ['delimiters of no boundary', `${START}\r\n${fill('--c\n')}`],
    ['a delimiter without an end', `${START}\r\n--b${fill('x')}`],
    ['dashes', `${START}\r\n${fill('-')}`],
    ['line ends', `${START}\r\n${fill('\n')}`],
    ['CRs', `${START}\r\n${fill('\r')}`],
    ['messages in messages', fill('Content-Type: message/rfc822\n\n')],
    [
      'multiparts in multiparts',
      Array.from(
        { length: 16_000 },
        (_, place) => `Content-Type: multipart/mixed; boundary=b${place}\n\n--b${place}\n`,
      ).join(''),
    ],
    ['parts that are messages', `${START}\r\n${fill('--b\nContent-Type: message/rfc822\n\n')}`],
    ['a digest', `Content-Type: multipart/digest; boundary=b\r\n\r\n${fill('--b\n\n')}`],
    ['a boundary of its own', `Content-Type: multipart/mixed; boundary="${fill('b')}"\r\n\r\n--b\r\n`],
  ])('%s: are indexed in time, in one piece and in chunks', (_title, text) => {
    const message = Buffer.from(text, 'latin1')
    const started = performance.now()
    const whole = indexMessage(message)
    const chunked = inChunks(message, randomFrom(4), 8192)
    expect(performance.now() - started).toBeLessThan(3000)
    expect(chunked).toEqual(whole)
    expect(whole.size).toBe(message.length)
    const texts = whole.envelope.length + whole.bodyStructure.length + whole.body.length
    expect(texts).toBeLessThan(12 * MEBIBYTE)
  })

  it('stop at 100 levels, where the rest is one opaque leaf', () => {
    let part = indexMessage(Buffer.from('Content-Type: message/rfc822\n\n'.repeat(500))).root
    let depth = 0
    for (let inner = part.children[0]; inner !== undefined; inner = inner.children[0]) {
      part = inner
      depth++
    }
    expect(depth).toBe(100)
    expect(part).toMatchObject({ type: 'application', subtype: 'octet-stream', children: [] })
  })

  it('stop at 10,000 parts, the last of which has the rest', () => {
    const message = Buffer.from(`${START}\r\n${'--b\r\n\r\nx\r\n'.repeat(20_000)}`)
    const { children } = indexMessage(message).root
    expect(children.length).toBe(9_999)
    expect(children.at(-1)?.bodyEnd).toBe(message.length)
  })

  it('keep their header within 1 MiB, cut at a line end', () => {
    const indexer = new MessageIndexer()
    for (let count = 0; count < 3000; count++) indexer.write(Buffer.from(`X-Filler: ${'x'.repeat(1000)}\r\n`))
    indexer.write(Buffer.from('\r\nbody'))
    expect(indexer.header.length).toBeLessThanOrEqual(MEBIBYTE)
    expect(indexer.header.subarray(-3).toString()).toBe('x\r\n')
    expect(indexer.finish().root).toMatchObject({ bodyStart: 3000 * 1012 + 2, bodyEnd: 3000 * 1012 + 6 })
  })
})
