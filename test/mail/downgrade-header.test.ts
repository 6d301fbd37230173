import { describe, expect, it } from 'vitest'
import { parseAddressList } from '../../src/mail/address-list.ts'
import { downgradeHeader } from '../../src/mail/downgrade-header.ts'
import { decodeWords } from '../../src/mail/encoded-word.ts'
import { fieldValue } from '../../src/mail/header.ts'

const downgraded = (header: string) => downgradeHeader(Buffer.from(header)).toString('latin1')
const value = (header: string, name: string) => fieldValue(downgradeHeader(Buffer.from(header)), name)

describe('a header for who reads ASCII alone (RFC 6858)', () => {
  it('keeps fields in ASCII octet for octet, odd ones too', () => {
    const plain = 'X-Odd:  a\r\n\tb \r\nno field\r\nSubject: x\r\n\r\n'
    expect(downgraded(plain)).toBe(plain)
    expect(downgraded(`${plain.slice(0, -2)}X-B: ü\r\n\r\n`)).toContain(
      'X-Odd:  a\r\n\tb \r\nno field\r\nSubject: x\r\n',
    )
  })

  it('has texts as encoded words that say the same, in short lines', () => {
    for (const text of ['Grüße', '日本語のとても長い件名です。'.repeat(20), `${'a '.repeat(300)}ü`, '😀'.repeat(50)]) {
      const header = `Subject: ${text}\r\n\r\n`
      expect(decodeWords(value(header, 'Subject') ?? '')).toBe(text)
      for (const line of downgraded(header).split('\r\n')) expect(line.length).toBeLessThanOrEqual(76)
    }
  })

  it('has names as encoded words, and the addresses that ASCII can say', () => {
    const from = value('From: Jürgen Müller <jm@example.test>, "a b"@x.test, Plain <p@x.test>\r\n\r\n', 'From') ?? ''
    expect(parseAddressList(from).map((item) => ({ ...item, name: decodeWords(item.name ?? '') }))).toMatchObject([
      { kind: 'mailbox', name: 'Jürgen Müller', local: 'jm', domain: 'example.test' },
      { kind: 'mailbox', local: 'a b', domain: 'x.test' },
      { kind: 'mailbox', name: 'Plain', local: 'p', domain: 'x.test' },
    ])
  })

  it('has an empty group in the place of an address that it cannot', () => {
    const to = value('To: Jü <jü@exämple.test>, bob@example.test\r\n\r\n', 'To') ?? ''
    const [removed, bob] = parseAddressList(to)
    expect(removed).toMatchObject({ kind: 'group', members: [] })
    expect(decodeWords(removed?.name ?? '')).toContain('jü@exämple.test')
    expect(bob).toMatchObject({ local: 'bob' })
  })

  it('leaves out what has no room for text', () => {
    expect(downgraded('Message-ID: <ü@x>\r\nSubject: ü\r\n\r\n')).not.toContain('Message-ID')
  })
})
