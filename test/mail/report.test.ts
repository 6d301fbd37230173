import { simpleParser } from 'mailparser'
import { describe, expect, it } from 'vitest'
import { fieldValue, fieldValues, headerEnd } from '../../src/mail/header.ts'
import { indexMessage } from '../../src/mail/index-message.ts'
import type { PartIndex } from '../../src/mail/message-index.ts'
import { composeReport, type Report, type ReportedRecipient } from '../../src/mail/report.ts'

const ORIGINAL = Buffer.from(
  'From: Alice <alice@example.test>\r\nTo: bob@example.net\r\nSubject: Lunch\r\nMessage-ID: <lunch@example.test>\r\n\r\nAt noon?\r\n',
)

const FAILED: ReportedRecipient = {
  address: 'bob@example.net',
  action: 'failed',
  status: '5.1.1',
  originalRecipient: 'rfc822;Bob@example.net',
  remoteHost: 'mx.example.net',
  diagnostic: '550 5.1.1 <bob@example.net>: User unknown',
  lastAttemptAt: Date.UTC(2026, 0, 1, 12, 5),
}

const REPORT: Report = {
  hostname: 'mx.example.org',
  to: 'alice@example.test',
  messageId: '<r1@mx.example.org>',
  at: Date.UTC(2026, 0, 1, 12, 6),
  recipients: [FAILED],
  original: {
    arrivedAt: Date.UTC(2026, 0, 1, 12),
    envelopeId: 'QQ314159',
    messageId: '<lunch@example.test>',
    subject: 'Lunch',
    bytes: ORIGINAL,
  },
  returnContent: 'full',
  smtpUtf8: false,
}

const compose = (changes: Partial<Report> = {}) => composeReport({ ...REPORT, ...changes })
const failed = (changes: Partial<ReportedRecipient>) => compose({ recipients: [{ ...FAILED, ...changes }] })

/** The bodies of the three parts, and what each is. */
function partsOf(report: Buffer): { type: string; body: string; part: PartIndex }[] {
  return indexMessage(report).root.children.map((part) => ({
    type: `${part.type}/${part.subtype}`,
    body: report.toString('utf8', part.bodyStart, part.bodyEnd),
    part,
  }))
}

const statusOf = (report: Buffer): string => partsOf(report)[1]?.body ?? ''

function expectSendable(report: Buffer): void {
  const text = report.toString('latin1')
  expect(text).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/)
  for (const line of text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998)
}

describe('a report of failure', () => {
  it('is a multipart/report of three parts (RFC 6522 section 3)', () => {
    const report = compose()
    expect(partsOf(report).map(({ type }) => type)).toEqual(['text/plain', 'message/delivery-status', 'message/rfc822'])
    expect(fieldValue(report, 'content-type')).toMatch(/^multipart\/report; report-type=delivery-status;/)
    expect(indexMessage(report).root).toMatchObject({ type: 'multipart', subtype: 'report' })
    expectSendable(report)
  })

  it('has the header of a message that answers by machine (RFC 3834 section 5)', () => {
    const report = compose()
    const fields = Object.fromEntries(
      ['from', 'to', 'subject', 'date', 'message-id', 'in-reply-to', 'auto-submitted', 'mime-version'].map((name) => [
        name,
        fieldValues(report, name),
      ]),
    )
    expect(fields).toEqual({
      from: ['Mail Delivery System <postmaster@mx.example.org>'],
      to: ['<alice@example.test>'],
      subject: ['Your message could not be delivered'],
      date: ['Thu, 1 Jan 2026 12:06:00 +0000'],
      'message-id': ['<r1@mx.example.org>'],
      'in-reply-to': ['<lunch@example.test>'],
      'auto-submitted': ['auto-replied'],
      'mime-version': ['1.0'],
    })
  })

  it('has one pair of brackets around its Message-ID, however it was given', () => {
    for (const messageId of [
      'r1@mx.example.org',
      '<r1@mx.example.org>',
      '<<r1@mx.example.org>>',
      'r1@mx\r\n.example.org',
    ]) {
      expect(fieldValue(compose({ messageId }), 'message-id')).toBe('<r1@mx.example.org>')
    }
  })

  it('tells programs of the message and of each recipient (RFC 3464 sections 2.2, 2.3)', () => {
    expect(statusOf(compose())).toBe(
      [
        'Original-Envelope-Id: QQ314159',
        'Reporting-MTA: dns; mx.example.org',
        'Arrival-Date: Thu, 1 Jan 2026 12:00:00 +0000',
        '',
        'Original-Recipient: rfc822; Bob@example.net',
        'Final-Recipient: rfc822; bob@example.net',
        'Action: failed',
        'Status: 5.1.1',
        'Remote-MTA: dns; mx.example.net',
        'Diagnostic-Code: smtp; 550 5.1.1 <bob@example.net>: User unknown',
        'Last-Attempt-Date: Thu, 1 Jan 2026 12:05:00 +0000',
        '',
      ].join('\r\n'),
    )
  })

  it('leaves a blank line between recipients, and leaves out what is not known', () => {
    const recipients = ['a@x.test', 'b@x.test'].map(
      (address) => ({ address, action: 'failed', status: '5.4.4' }) as const,
    )
    expect(statusOf(compose({ recipients, original: { bytes: ORIGINAL } }))).toBe(
      'Reporting-MTA: dns; mx.example.org\r\n\r\n' +
        'Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\nStatus: 5.4.4\r\n\r\n' +
        'Final-Recipient: rfc822; b@x.test\r\nAction: failed\r\nStatus: 5.4.4\r\n',
    )
  })

  it('says in plain words who did not get it and why', () => {
    const text = partsOf(compose())[0]?.body
    expect(text).toContain('Your message could not be delivered to the addresses below. We will not')
    expect(text).toContain(
      '  bob@example.net\r\n    There is no mailbox with this address. Please check the spelling.\r\n',
    )
    expect(text).toContain(
      '    The mail server mx.example.net said:\r\n      550 5.1.1 <bob@example.net>: User unknown\r\n',
    )
    expect(text).toContain('  Subject: Lunch\r\n')
    for (const line of (text ?? '').split('\r\n')) expect(line.length).toBeLessThanOrEqual(76)
  })

  it('says of its own words whose they are', () => {
    const report = failed({ diagnostic: 'The connection was closed' })
    expect(report.toString()).toContain(
      '    In technical words, of the mail server mx.example.net:\r\n      The connection was closed\r\n',
    )
    expect(report.toString()).not.toContain('said:')
  })

  it('gives our own words a type of their own (RFC 3464 section 2.3.6)', () => {
    const { remoteHost: _, ...own } = FAILED
    const report = compose({ recipients: [{ ...own, status: '5.4.7', diagnostic: 'No answer within five days' }] })
    expect(statusOf(report)).toContain('Diagnostic-Code: x-mailserver; No answer within five days\r\n')
    expect(statusOf(report)).not.toContain('Remote-MTA')
    expect(partsOf(report)[0]?.body).toContain('In technical words:')
  })

  it('is read by a mail client as it is meant', async () => {
    const mail = await simpleParser(compose())
    expect(mail.subject).toBe('Your message could not be delivered')
    expect(mail.text).toContain('There is no mailbox with this address.')
    expect(mail.text).toContain('Final-Recipient: rfc822; bob@example.net')
    expect(mail.attachments.map(({ contentType }) => contentType)).toEqual(['message/rfc822'])
    expect(mail.attachments[0]?.content.toString()).toBe(ORIGINAL.toString())
  })
})

describe('other reports', () => {
  const times = { lastAttemptAt: Date.UTC(2026, 0, 1, 16), willRetryUntil: Date.UTC(2026, 0, 6, 12) }

  it('of a delay says until when it is tried', () => {
    const report = failed({ action: 'delayed', status: '4.4.1', diagnostic: 'Connection timed out', ...times })
    expect(statusOf(report)).toContain('Action: delayed\r\nStatus: 4.4.1\r\n')
    expect(statusOf(report)).toContain('Will-Retry-Until: Tue, 6 Jan 2026 12:00:00 +0000\r\n')
    expect(fieldValue(report, 'subject')).toBe('Your message is delayed')
    expect(partsOf(report)[0]?.body).toContain('We will try until Tue, 6 Jan 2026 12:00:00 +0000.')
  })

  it.each(['delivered', 'relayed', 'expanded'] as const)('of success (%s) has nothing of failure', (action) => {
    const { diagnostic: _, ...recipient } = FAILED
    const report = compose({ recipients: [{ ...recipient, action, status: '2.0.0' }] })
    expect(statusOf(report)).toContain(`Action: ${action}\r\nStatus: 2.0.0\r\n`)
    expect(partsOf(report)[0]?.body).not.toMatch(/could not|refused|problem/)
    expect(partsOf(report)[2]?.type).toBe('text/rfc822-headers')
  })

  it('names itself after the worst when recipients fared differently', () => {
    const recipients = (['delivered', 'delayed', 'failed'] as const).map((action) => ({ ...FAILED, action }))
    expect(fieldValue(compose({ recipients }), 'subject')).toBe('Your message could not be delivered')
  })

  it('makes a status that is none one of the right class', () => {
    expect(statusOf(failed({ status: 'x\r\nEvil: y' }))).toContain('Status: 5.0.0\r\n')
    expect(statusOf(failed({ action: 'delayed', status: '' }))).toContain('Status: 4.0.0\r\n')
  })
})

describe('what is returned of the message (RFC 3461 section 4.3)', () => {
  it('is the whole for RET=FULL and a failure, byte for byte', () => {
    expect(partsOf(compose())[2]?.body).toBe(ORIGINAL.toString())
  })

  it('is the header for RET=HDRS, for a message above the limit, and for one with lines that cannot be sent', () => {
    const header = ORIGINAL.toString('latin1', 0, headerEnd(ORIGINAL))
    const long = Buffer.concat([ORIGINAL, Buffer.from(`${'x'.repeat(2000)}\r\n`)])
    for (const report of [
      compose({ returnContent: 'headers' }),
      compose({ maxReturnedBytes: ORIGINAL.length - 1 }),
      compose({ original: { bytes: long } }),
    ]) {
      expect(partsOf(report)[2]).toMatchObject({ type: 'text/rfc822-headers', body: header })
      expectSendable(report)
    }
  })

  it('has CRLF line ends and short lines, whatever the original has', () => {
    const bytes = Buffer.from(`A: 1\nX: ${'y'.repeat(5000)}\rB: 2\n\nbody\0\n.\n`)
    for (const returnContent of ['full', 'headers'] as const) {
      const report = compose({ original: { bytes }, returnContent })
      expectSendable(report)
      expect(partsOf(report)[2]?.body).toContain('B: 2\r\n')
    }
    expectSendable(compose({ original: { bytes: Buffer.from('A: 1\n\nx\n.\n') } }))
  })

  it('is cut at a line end when even the header is above the limit', () => {
    const bytes = Buffer.from(`A: 1\r\nB: ${'x '.repeat(400)}\r\n\r\n`)
    expect(partsOf(compose({ original: { bytes }, maxReturnedBytes: 100 }))[2]?.body).toBe('A: 1\r\n')
  })

  it('cannot end its part early', () => {
    const inner = compose()
    const outer = compose({ original: { bytes: inner }, messageId: 'r2@mx.example.org' })
    const parts = partsOf(outer)
    expect(parts.length).toBe(3)
    expect(parts[2]?.body).toBe(inner.toString())
  })

  it('says so when it is 8-bit', () => {
    const report = compose({ original: { bytes: Buffer.from('Subject: x\r\n\r\n\xe9\r\n', 'latin1') } })
    expect(fieldValue(report, 'content-transfer-encoding')).toBe('8bit')
    expect(partsOf(report)[2]?.part.encoding).toBe('8bit')
  })
})

describe('letters beyond ASCII', () => {
  const recipient = {
    ...FAILED,
    address: 'jürgen@münchen.test',
    originalRecipient: 'utf-8;j\\x{FC}rgen@m\\x{FC}nchen.test',
  }

  it('make a report in UTF-8 when the message was SMTPUTF8 (RFC 6533)', () => {
    const report = compose({ recipients: [recipient], smtpUtf8: true, to: 'zoë@example.test' })
    expect(partsOf(report).map(({ type }) => type)).toEqual([
      'text/plain',
      'message/global-delivery-status',
      'message/global',
    ])
    expect(statusOf(report)).toContain('Original-Recipient: utf-8; jürgen@münchen.test\r\n')
    expect(statusOf(report)).toContain('Final-Recipient: utf-8; jürgen@münchen.test\r\n')
    expect(fieldValue(report, 'to')).toBe(Buffer.from('<zoë@example.test>').toString('latin1'))
    expect(partsOf(compose({ smtpUtf8: true, returnContent: 'headers' }))[2]?.type).toBe('message/global-headers')
  })

  it('are escaped where the report is ASCII (RFC 6533 section 3)', async () => {
    const report = compose({
      recipients: [{ ...recipient, diagnostic: '550 Empfänger unbekannt' }],
      original: { bytes: ORIGINAL, subject: 'Grüße' },
    })
    expect(statusOf(report)).toContain('Final-Recipient: utf-8; j\\x{FC}rgen@m\\x{FC}nchen.test\r\n')
    expect(statusOf(report)).toContain('Diagnostic-Code: smtp; 550 Empf?nger unbekannt\r\n')
    expect(report.every((octet) => octet < 128)).toBe(true)
    expect((await simpleParser(report)).text).toContain('Subject: Grüße')
  })
})

describe('foreign text', () => {
  const EVIL = 'x\r\nBcc: victim@x.test\r\n\r\n--evil\r\nContent-Type: text/html\r\n\u2028\u0085\0'

  it('cannot add a field, a part or a line', () => {
    const report = compose({
      to: EVIL,
      from: EVIL,
      messageId: EVIL,
      hostname: EVIL,
      recipients: [
        { address: EVIL, action: 'failed', status: EVIL, originalRecipient: EVIL, remoteHost: EVIL, diagnostic: EVIL },
      ],
      original: { bytes: Buffer.alloc(0), envelopeId: EVIL, messageId: EVIL, subject: EVIL },
    })
    expect(fieldValues(report, 'bcc')).toEqual([])
    expect(partsOf(report).length).toBe(3)
    expect(statusOf(report)).not.toMatch(/^Bcc:/m)
    expect(statusOf(report)).not.toMatch(/^--evil/m)
    expectSendable(report)
  })

  it('is cut where it is long, never within a character', () => {
    const report = compose({
      smtpUtf8: true,
      recipients: [{ ...FAILED, diagnostic: `550 ${'é'.repeat(100_000)}`, address: `${'é'.repeat(2000)}@x.test` }],
      original: { bytes: ORIGINAL, subject: 'é'.repeat(100_000) },
    })
    expectSendable(report)
    expect(report.toString()).not.toContain('\ufffd')
  })
})
