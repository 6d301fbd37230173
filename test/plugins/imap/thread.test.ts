import { describe, expect, it } from 'vitest'
import { formatThreads, type ThreadMessage } from '../../../plugins/imap/thread/message-tree.ts'
import { orderedSubject } from '../../../plugins/imap/thread/ordered-subject.ts'
import { byReferences } from '../../../plugins/imap/thread/references.ts'
import { imapWorld } from './support/imap-world.ts'

const message = (
  number: number,
  id: string,
  references: string[] = [],
  more: Partial<ThreadMessage> = {},
): ThreadMessage => ({
  number,
  sentAt: number,
  baseSubject: '',
  isReply: references.length > 0,
  messageId: id,
  references,
  ...more,
})
const references = (...messages: ThreadMessage[]) => formatThreads(byReferences(messages, { mergesSubjects: true }))
const refs = (...messages: ThreadMessage[]) => formatThreads(byReferences(messages, { mergesSubjects: false }))

describe('REFERENCES (RFC 5256 section 3)', () => {
  it("has the form of the RFC's example", () => {
    const tree = references(
      message(2, 'alone'),
      message(3, 'a'),
      message(6, 'b', ['a']),
      message(4, 'c', ['b'], { sentAt: 7 }),
      message(23, 'd', ['c']),
      message(44, 'e', ['b']),
      message(7, 'f', ['e'], { sentAt: 45 }),
      message(96, 'g', ['f']),
    )
    expect(tree).toBe('(2)(3 6 (4 23)(44 7 96))')
  })

  it('puts answers to a message that is not there beside each other', () => {
    expect(references(message(3, 'a', ['gone']), message(5, 'b', ['gone']))).toBe('((3)(5))')
    expect(references(message(3, 'a', ['gone']))).toBe('(3)')
  })

  it('fills the places of messages that are missing between others', () => {
    expect(references(message(1, 'a'), message(2, 'c', ['a', 'b']))).toBe('(1 2)')
  })

  it('closes no circle', () => {
    expect(references(message(1, 'a', ['b']), message(2, 'b', ['a']))).toMatch(/^\((1 2|2 1)\)$/)
    expect(references(message(1, 'a', ['a']))).toBe('(1)')
    expect(references(message(1, 'a', ['b', 'c', 'b', 'a', 'c']))).toBe('(1)')
  })

  it('takes a Message-ID that is used twice for none the second time', () => {
    expect(references(message(1, 'a'), message(2, 'a'), message(3, 'b', ['a']))).toBe('(1 3)(2)')
  })

  it('joins threads of one subject, the answer below', () => {
    const hello = { baseSubject: 'HELLO' }
    expect(references(message(1, 'a', [], hello), message(2, 'b', [], { ...hello, isReply: true }))).toBe('(1 2)')
    expect(references(message(1, 'a', [], hello), message(2, 'b', [], hello))).toBe('((1)(2))')
    expect(refs(message(1, 'a', [], hello), message(2, 'b', [], { ...hello, isReply: true }))).toBe('(1)(2)')
  })

  it('is told without recursion, however long the thread', () => {
    const long = Array.from({ length: 20_000 }, (_, at) => message(at + 1, `${at}`, at === 0 ? [] : [`${at - 1}`]))
    expect(references(...long)).toMatch(/^\(1 2 3 .* 20000\)$/)
    const wide = Array.from({ length: 20_000 }, (_, at) => message(at + 1, `${at}`, at === 0 ? [] : ['0']))
    expect(references(...wide)).toMatch(/^\(1 \(2\)\(3\).*\(20000\)\)$/)
  })
})

describe('REFS', () => {
  it('puts the thread with the latest message last', () => {
    const old = [message(1, 'a'), message(9, 'b', ['a'])]
    expect(refs(...old, message(5, 'c'))).toBe('(5)(1 9)')
    expect(references(...old, message(5, 'c'))).toBe('(1 9)(5)')
  })
})

describe('ORDEREDSUBJECT (RFC 5256 section 3)', () => {
  it('puts messages of one subject under the earliest', () => {
    const subject = (number: number, baseSubject: string, sentAt: number) =>
      message(number, '', [], { baseSubject, sentAt })
    expect(
      formatThreads(orderedSubject([subject(1, 'A', 5), subject(2, 'B', 2), subject(3, 'A', 3), subject(4, 'A', 9)])),
    ).toBe('(2)(3 (1)(4))')
  })
})

it('THREAD threads what meets the condition, by number and by UID', async () => {
  await using world = await imapWorld()
  const mail = (id: string, fields: string) => `Message-ID: <${id}@x>\r\n${fields}\r\nx\r\n`
  await world.deliver(
    'INBOX',
    mail('a', 'Subject: one\r\n'),
    mail('b', 'In-Reply-To: <a@x>\r\nSubject: Re: one\r\n'),
    mail('c', ''),
  )
  const client = await world.login()
  await client.ok('SELECT INBOX')
  await client.ok('STORE 3 +FLAGS (\\Flagged)')
  expect(await client.ok('THREAD REFERENCES UTF-8 ALL')).toEqual(['* THREAD (1 2)(3)'])
  expect(await client.ok('UID THREAD ORDEREDSUBJECT US-ASCII UNFLAGGED')).toEqual(['* THREAD (1 2)'])
  expect(await client.ok('THREAD REFS UTF-8 KEYWORD none')).toEqual(['* THREAD'])
  expect((await client.command('THREAD JWZ UTF-8 ALL')).at(-1)).toMatch(/BAD/)
})
