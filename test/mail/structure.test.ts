import { describe, expect, it } from 'vitest'
import { indexMessage, MessageIndexer } from '../../src/mail/index-message.ts'

const bytes = (text: string): Buffer => Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1')
const envelope = (text: string): string => indexMessage(bytes(`${text}\n\nx\n`)).envelope.toString('latin1')
const structure = (text: string): string => indexMessage(bytes(text)).bodyStructure.toString('latin1')
const MULTIPART = 'Content-Type: multipart/mixed; boundary=b\n\n'

describe('ENVELOPE (RFC 3501 section 7.4.2)', () => {
  it('has the ten values in their order', () => {
    const text = [
      'Date: Fri, 21 Nov 1997 09:55:06 -0600',
      'Subject: Hello',
      'From: A <a@x.test>',
      'Sender: B <b@x.test>',
      'Reply-To: C <c@x.test>',
      'To: d@x.test, e@x.test',
      'Cc: f@x.test',
      'Bcc: g@x.test',
      'In-Reply-To: <one@x.test>',
      'Message-ID: <two@x.test>',
    ].join('\n')
    expect(envelope(text)).toBe(
      '("Fri, 21 Nov 1997 09:55:06 -0600" "Hello" (("A" NIL "a" "x.test")) (("B" NIL "b" "x.test")) (("C" NIL "c" "x.test")) ' +
        '((NIL NIL "d" "x.test")(NIL NIL "e" "x.test")) ((NIL NIL "f" "x.test")) ((NIL NIL "g" "x.test")) "<one@x.test>" "<two@x.test>")',
    )
  })

  it('takes Sender and Reply-To from From when they are absent or empty', () => {
    const from = '((NIL NIL "a" "x.test"))'
    for (const more of ['', '\nSender:\nReply-To: ', '\nSender: ,']) {
      expect(envelope(`From: a@x.test${more}`)).toBe(`(NIL NIL ${from} ${from} ${from} NIL NIL NIL NIL NIL)`)
    }
  })

  it('has NIL for a field that is absent and an empty string for one that is empty', () => {
    expect(envelope('Subject:')).toBe('(NIL "" NIL NIL NIL NIL NIL NIL NIL NIL)')
    expect(indexMessage(Buffer.alloc(0)).envelope.toString()).toBe('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)')
  })

  it('marks the begin and the end of a group', () => {
    expect(envelope('To: Team: a@x.test, b@x.test;, nobody:;')).toContain(
      '((NIL NIL "Team" NIL)(NIL NIL "a" "x.test")(NIL NIL "b" "x.test")(NIL NIL NIL NIL)(NIL NIL "nobody" NIL)(NIL NIL NIL NIL))',
    )
  })

  it('never has NIL for the mailbox or host of an address, which would read as a group', () => {
    expect(envelope('To: root, <@x.test>, "Somebody"')).toContain(
      '((NIL NIL "root" "MISSING_DOMAIN")(NIL NIL "MISSING_MAILBOX" "x.test")("Somebody" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))',
    )
  })

  it('has the source route in its place', () => {
    expect(envelope('To: <@a.test,@b.test:c@d.test>')).toContain('((NIL "@a.test,@b.test" "c" "d.test"))')
  })

  it('quotes, and has literals for what cannot be quoted', () => {
    expect(envelope('Subject: a "b" \\')).toContain('(NIL "a \\"b\\" \\\\" NIL')
    expect(envelope('Subject: \xc3\xa9')).toContain('(NIL {2}\r\n\xc3\xa9 NIL')
    expect(indexMessage(Buffer.from('Subject: a\rb\r\n\r\n')).envelope.toString()).toContain('(NIL {3}\r\na\rb NIL')
    expect(envelope(`Subject: ${'x'.repeat(5000)}`)).toContain(`(NIL {5000}\r\n${'x'.repeat(5000)} NIL`)
    // A literal holds no NUL (RFC 3501 section 4.3).
    expect(envelope('Subject: a\0b')).toContain('(NIL {3}\r\na\x80b NIL')
  })

  it('unfolds, and leaves encoded words as they are', () => {
    expect(envelope('Subject: =?utf-8?q?a?=\n =?utf-8?q?b?=')).toContain('"=?utf-8?q?a?= =?utf-8?q?b?="')
  })
})

describe('what else is known of the header', () => {
  it('is the subject as text on one line, the Message-ID and the date', () => {
    const index = indexMessage(
      bytes(
        'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe=0D=0A?=\n aus K\nMessage-ID: (c) <a@b> x\nDate: 1 Jan 2026 00:00 +0100\n\nx',
      ),
    )
    expect(index).toMatchObject({ subject: 'Grüße aus K', messageId: '<a@b>', sentAt: Date.UTC(2025, 11, 31, 23) })
  })

  it('is left out when it is not there or not valid', () => {
    const index = indexMessage(bytes('Message-ID: none\nDate: yesterday\n\nx'))
    for (const name of ['subject', 'messageId', 'sentAt']) expect(index).not.toHaveProperty(name)
  })

  it('is the header section itself, as soon as it has come', () => {
    const indexer = new MessageIndexer()
    indexer.write(Buffer.from('A: 1\r\nB: 2\r'))
    indexer.write(Buffer.from('\n\r\nbody'))
    expect(indexer.header.toString()).toBe('A: 1\r\nB: 2\r\n\r\n')
    indexer.write(Buffer.from('C: 3\r\n\r\n'))
    indexer.finish()
    expect(indexer.header.toString()).toBe('A: 1\r\nB: 2\r\n\r\n')
    const unfinished = new MessageIndexer()
    unfinished.write(Buffer.from('A: 1\r\nB'))
    unfinished.finish()
    expect(unfinished.header.toString()).toBe('A: 1\r\nB')
  })
})

describe('BODYSTRUCTURE (RFC 3501 section 7.4.2)', () => {
  it('has size and lines of a text, and its extension data', () => {
    expect(
      structure(
        'Content-Type: text/html; charset="UTF-8"; format=flowed\nContent-Transfer-Encoding: 8BIT\nContent-ID: <i@x>\nContent-Description: d\n' +
          'Content-MD5: Q2hlY2s=\nContent-Disposition: attachment; filename="a b.html"\nContent-Language: de, en\nContent-Location: http://x.test/\n\none\ntwo\n',
      ),
    ).toBe(
      '("text" "html" ("charset" "UTF-8" "format" "flowed") "<i@x>" "d" "8bit" 10 2 "Q2hlY2s=" ("attachment" ("filename" "a b.html")) ("de" "en") "http://x.test/")',
    )
  })

  it('has no lines for what is no text', () => {
    expect(
      structure('Content-Type: image/png\nContent-Transfer-Encoding: base64\nContent-Disposition: inline\n\nAAAA\n'),
    ).toBe('("image" "png" NIL NIL NIL "base64" 6 NIL ("inline" NIL) NIL NIL)')
  })

  it('has parameters, disposition, language and location of a multipart after its parts', () => {
    expect(structure(`Content-Language: en\nContent-Disposition: inline\n${MULTIPART}--b\n\nx\n--b--\n`)).toBe(
      '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") ("inline" NIL) ("en") NIL)',
    )
  })

  it('keeps an RFC 2231 parameter encoded, under its starred name', () => {
    expect(structure("Content-Type: application/pdf; name*0*=utf-8''a%20; name*1=b\n\nx")).toContain(
      '("application" "pdf" ("name*" "utf-8\'\'a%20b")',
    )
  })

  it('has 8-bit parameters as literals', () => {
    expect(structure('Content-Type: application/pdf; name="\xe9"\n\nx')).toContain('("name" {1}\r\n\xe9)')
  })

  it('takes the part of a digest for a message (RFC 2046 section 5.1.5)', () => {
    const { children } = indexMessage(
      bytes(
        'Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nx\n--b\nContent-Type: text/plain\n\ny\n--b--\n',
      ),
    ).root
    expect(children.map(({ type, subtype }) => `${type}/${subtype}`)).toEqual(['message/rfc822', 'text/plain'])
    expect(children[0]?.children[0]).toMatchObject({ type: 'text', lines: 0 })
  })

  it.each([
    ['a Content-Type that is none', 'Content-Type: text\n\nx\n'],
    ['a multipart without a boundary', 'Content-Type: multipart/mixed\n\nx\n'],
    ['a multipart with an empty boundary', 'Content-Type: multipart/mixed; boundary=" "\n\nx\n'],
    ['a multipart without a delimiter', `${MULTIPART}x\n`],
  ])('shows %s as text/plain (RFC 2045 section 5.2)', (_title, text) => {
    expect(structure(text)).toBe('("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL)')
    expect(indexMessage(bytes(text)).root).toMatchObject({ type: 'text', subtype: 'plain', children: [] })
  })

  it('lets a multipart that is never closed end with the message', () => {
    const message = bytes(`${MULTIPART}--b\n\nx\n`)
    expect(indexMessage(message).root.children[0]).toMatchObject({ bodyEnd: message.length, lines: 1 })
  })

  it('takes no part from an epilogue', () => {
    expect(indexMessage(bytes(`${MULTIPART}--b\n\nx\n--b--\n--b\n\ny\n`)).root.children.length).toBe(1)
  })

  it('tells a boundary from one that begins like it, whichever is the outer (RFC 2046 section 5.1.2)', () => {
    for (const [outer, inner] of [
      ['b', 'bb'],
      ['bb', 'b'],
    ] as const) {
      const { children } = indexMessage(
        bytes(
          `Content-Type: multipart/mixed; boundary=${outer}\n\n--${outer}\nContent-Type: multipart/mixed; boundary=${inner}\n\n--${inner}\n\nx\n--${inner}--\n--${outer}\n\ny\n--${outer}--\n`,
        ),
      ).root
      expect(children.map((child) => child.children.length)).toEqual([1, 0])
    }
  })

  it('ends what is open within a multipart at that one’s delimiter', () => {
    const { children } = indexMessage(
      bytes(
        `${MULTIPART}--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--b\n\nz\n--b--\n`,
      ),
    ).root
    expect(children.map(({ subtype }) => subtype)).toEqual(['mixed', 'plain'])
    expect(children[0]?.children[0]?.children[0]).toMatchObject({ type: 'text', lines: 0 })
  })

  it('takes a lone CR for data, not for a line end', () => {
    const message = Buffer.from(
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r--b\r\ny\r\r\n--b--\r\n',
    )
    const [part] = indexMessage(message).root.children
    expect(message.toString('latin1', part?.bodyStart, part?.bodyEnd)).toBe('x\r--b\r\ny\r')
  })
})
