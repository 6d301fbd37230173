import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { indexMessage } from '../../src/mail/index-message.ts'
import { dovecotFetch, type Fetched } from '../mail/dovecot-fetch.ts'
import { type ImapValue, parseImapValue } from '../mail/parse-imap-value.ts'
import { describeWith } from '../support/programs.ts'

const MESSAGES = join(import.meta.dirname, '../../../shared/data/messages')

const NO_PARTS =
  'A multipart in which no delimiter follows is text/plain with its octets (RFC 2045 section 5.2); Dovecot shows an empty text in place of them.'
const CUT_HEADER =
  'A message whose header runs into a delimiter: the line end before the delimiter is the delimiter’s (RFC 2046 section 5.1.1); Dovecot counts it as header.'

/** Where we differ from Dovecot, and why that is right. Every other message must be the same in every value. */
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['malformed/001.eml', NO_PARTS],
  ['malformed/002.eml', NO_PARTS],
  ['malformed/007.eml', NO_PARTS],
  [
    'malformed/016.eml',
    'Boundaries of 80 octets and more: Dovecot compares their first 80, so that three different ones are one.',
  ],
  [
    'malformed/017.eml',
    'The semicolon before `boundary=` was forgotten: the boundary is used; Dovecot gives an empty type.',
  ],
  [
    'malformed/019.eml',
    'Two Date fields: the first is taken, as of every field that may be there once; Dovecot’s is the last.',
  ],
  ['malformed/022.eml', CUT_HEADER],
  ['rfc/001.eml', 'The semicolon before `server=` was forgotten: the parameter is kept; Dovecot drops it.'],
  ['rfc/008.eml', CUT_HEADER],
  ['thirdparty/007.eml', CUT_HEADER],
  ['thirdparty/015.eml', NO_PARTS],
])

const crlf = (message: Buffer): Buffer => Buffer.from(message.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')

/** Types, encodings and parameter names have no case (RFC 2045): we write them in lower case, Dovecot as they came. */
function withoutCase(value: ImapValue): ImapValue {
  if (typeof value === 'string') return value.toLowerCase()
  return value === null ? null : value.map(withoutCase)
}

function oursOf(message: Buffer): Fetched {
  const index = indexMessage(message)
  const whole = (bytes: Buffer): ImapValue => {
    const text = bytes.toString('latin1')
    const { value, end } = parseImapValue(text)
    expect(end).toBe(text.length)
    return value
  }
  return {
    ENVELOPE: whole(index.envelope),
    BODYSTRUCTURE: withoutCase(whole(index.bodyStructure)),
    BODY: withoutCase(whole(index.body)),
  }
}

const comparable = (theirs: Fetched): Fetched => ({
  ENVELOPE: theirs.ENVELOPE,
  BODYSTRUCTURE: withoutCase(theirs.BODYSTRUCTURE),
  BODY: withoutCase(theirs.BODY),
})

function messageFiles(): string[] {
  return readdirSync(MESSAGES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(MESSAGES, join(entry.parentPath, entry.name)))
    .sort()
}

describeWith(['dovecot'], 'ENVELOPE, BODYSTRUCTURE and BODY as Dovecot gives them', () => {
  describe.skipIf(!existsSync(MESSAGES))('for real and malformed messages (needs ../shared/data/messages)', () => {
    it('are the same but for the differences that are listed', async () => {
      const files = messageFiles()
      const messages = files.map((file) => crlf(readFileSync(join(MESSAGES, file))))
      const theirs = await dovecotFetch(messages)
      const differing: string[] = []
      files.forEach((file, place) => {
        const ours = oursOf(messages[place] as Buffer)
        const other = comparable(theirs[place] as Fetched)
        if (!DIFFERENCES.has(file)) expect(ours, file).toEqual(other)
        else if (JSON.stringify(ours) !== JSON.stringify(other)) differing.push(file)
      })
      expect(files.length).toBeGreaterThan(100)
      expect(differing).toEqual([...DIFFERENCES.keys()])
    })
  })

  it('are the same for cases written for each rule', async () => {
    const messages = CASES.map((text) => crlf(Buffer.from(text, 'latin1')))
    const theirs = await dovecotFetch(messages)
    messages.forEach((message, place) => {
      expect(oursOf(message), CASES[place]).toEqual(comparable(theirs[place] as Fetched))
    })
  })
})

const CASES: readonly string[] = [
  '\n',
  'Subject: no body',
  'Subject: \xc3\xa9\nFrom: "J\xf6rg" <j@x.test>\n\nx\n',
  'From: a@b.test\nSender:\nReply-To: \n\nx\n',
  'To: John Q. Public <a@b.test>, "a b"@c.test, a@[192.0.2.1], x@y.test (Comment)\n\nx\n',
  'To: friends: a@b.test, "c, d" <e@f.test>;, g@h.test\nCc: undisclosed-recipients:;\n\nx\n',
  'To: <@a.test,@b.test:c@d.test>, <q>, root (Cron Daemon), "John Doe", (comment only)\n\nx\n',
  'To: a@b.test\nTo: c@d.test\nSubject: "quoted \\ text"\n\nx\n',
  'Subject: =?utf-8?q?stays?= =?utf-8?q?encoded?=\nMessage-ID: <a@b>\nIn-Reply-To: <c@d> <e@f>\n\nx\n',
  'Content-Type: text/plain; format=flowed; charset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\nx\n',
  'Content-Type: application/pdf; name*0*=utf-8\'\'a%20; name*1*=b; title*0=one; title*1=" two"\n\nx\n',
  'Content-Type: text/html\nContent-ID: <i@d>\nContent-Description: what\nContent-MD5: Q2hlY2s=\nContent-Disposition: ATTACHMENT; Filename="a \\"b\\".txt"; size=3\nContent-Language: en, de\nContent-Location: http://a.test/b\n\nx\n',
  'Content-Type: multipart/digest; boundary=b\n\n--b\n\nFrom: a@b.test\n\nhi\n--b\nContent-Type: text/plain\n\nhi\n--b--\n',
  'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bc\n\n--bc\n\nx\n--bcd\n\ny\n--b\n\nz\n',
  'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnever closed\n',
  'Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b  \n\nx\n--b--\nepilogue\n--b\n\nno part\n',
  'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n--b--\n',
  'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b',
  'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\n--b--\n',
  'Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQUFB\n',
  'Content-Type: message/global\n\nSubject: x\n\ny\n',
  'Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: inner\n\ny\n',
  'Content-Transfer-Encoding: 8 bit\n\nx\n',
]
