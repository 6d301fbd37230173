import { describe, expect, it } from 'vitest'
import { indexMessage, MessageIndexer } from '../../src/mail/index-message.ts'
import { previewOf } from '../../src/mail/preview.ts'

const crlf = (text: string): Buffer => Buffer.from(text.replace(/\n/g, '\r\n'))
const preview = (text: string) => indexMessage(crlf(text)).preview
const plain = { subtype: 'plain', encoding: '7bit', charset: undefined }
const html = (text: string) => previewOf(Buffer.from(text), { ...plain, subtype: 'html' })

describe('the preview of a message (RFC 8970)', () => {
  it('is the first 200 characters on one line', () => {
    expect(preview('Subject: x\n\nHello  there,\n\n\thow are you?\n')).toBe('Hello there, how are you?')
    expect(preview(`Subject: x\n\n${'word '.repeat(1000)}`)).toBe('word '.repeat(40).trim())
    expect(preview(`Subject: x\n\n${'x'.repeat(100_000)}`)).toBe('x'.repeat(200))
    expect(preview('Subject: x\n\n \n\t\n')).toBeUndefined()
    expect(preview('Subject: x\n')).toBeUndefined()
  })

  it('cuts no character in two', () => {
    const text = `${'x'.repeat(199)}👋👋`
    expect(previewOf(Buffer.from(text), plain)).toBe('x'.repeat(199))
    expect(previewOf(Buffer.from('é'.repeat(2000)), plain)).toBe('é'.repeat(200))
    expect(previewOf(Buffer.concat([Buffer.from('é'.repeat(10)), Buffer.from([0xc3])]), plain)).toBe('é'.repeat(10))
  })

  it.each([
    ['quoted-printable', 'utf-8', 'Gr=C3=BC=\r\n=C3=9Fe =\r\naus K=C3=B6ln=', 'Grüße aus Köln'],
    ['quoted-printable', 'iso-8859-1', 'Gr=FC=DFe, 1 = 1, 2=3D2', 'Grüße, 1 = 1, 2=2'],
    ['base64', 'utf-8', 'R3LDvMOf\r\nZSBhdXMgS8O2bG4=\r\n', 'Grüße aus Köln'],
    ['8bit', 'x-unheard-of', 'plain', 'plain'],
    ['x-unheard-of', undefined, 'plain', 'plain'],
  ])('undoes %s in %s', (encoding, charset, body, expected) => {
    expect(previewOf(Buffer.from(body), { subtype: 'plain', encoding, charset })).toBe(expected)
  })

  it.each([
    ['<p>Hello <b>there</b></p><p>you</p>', 'Hello there you'],
    ['<html><head><title>T</title><style>p { x: y }</style></head><body>Hi</body>', 'Hi'],
    ['a<!-- <b>not</b> -->b', 'a b'],
    ['1 &lt; 2 &amp;&nbsp;3&#8364;&#x1F44B; &unknown; &#0;&#xD800;&#x110000;', '1 < 2 & 3€👋 &unknown;'],
    ['a <b title="cut', 'a'],
    ['<style>never ends', undefined],
    ['&#8199;&zwnj;\u200c\u00ad\u034f words\u200dtogether', '&zwnj;\u200c\u00ad\u034f words\u200dtogether'],
    ['\u200c \u034f \u00ad words', 'words'],
  ])('reads the text of %j', (text, expected) => {
    expect(html(text)).toBe(expected)
  })

  it('is that of the first part with something to read, and never of an attachment', () => {
    const parts = (...bodies: string[]) =>
      preview(
        `Content-Type: multipart/mixed; boundary=b\n\nnot this\n${bodies.map((body) => `--b\n${body}\n`).join('')}--b--\n`,
      )
    expect(parts('\n\nfirst', '\n\nsecond')).toBe('first')
    expect(parts('\n\n \n', 'Content-Type: text/html\n\n<p>second')).toBe('second')
    expect(parts('Content-Disposition: attachment\n\nnot this', '\n\nsecond')).toBe('second')
    expect(parts('Content-Type: image/png\n\nnot this')).toBeUndefined()
    expect(parts('Content-Type: message/rfc822\n\nSubject: y\n\nwithin')).toBe('within')
    expect(parts('\n\nshort', 'Content-Type: image/png\n\nnot this')).toBe('short')
  })

  it('is the same however the message arrives', () => {
    const message = crlf(
      `From: a@b\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\n\n--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<style>${'x'.repeat(3000)}</style>Gr=C3=BC=C3=9Fe\n--b--\n`,
    )
    const whole = indexMessage(message)
    expect(whole.preview).toBe('Grüße')
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      const indexer = new MessageIndexer()
      for (let at = 0; at < message.length; at += size) indexer.write(message.subarray(at, at + size))
      expect(indexer.finish()).toEqual(whole)
    }
  })
})

describe('8-bit content', () => {
  it.each([
    ['Subject: x\n\nplain\n', undefined, undefined],
    ['Subject: é\n\nplain\n', true, undefined],
    ['Subject: x\n\né\n', undefined, true],
    ['Subject: é\n\né\n', true, true],
    ['Content-Type: multipart/mixed; boundary=b\n\n--b\nX: é\n\nplain\n--b--\n', undefined, true],
    ['Subject: é', true, undefined],
  ])('of %j is told, header and body apart, however it arrives', (text, header, body) => {
    const message = crlf(text)
    for (let cut = 0; cut <= message.length; cut++) {
      const indexer = new MessageIndexer()
      indexer.write(message.subarray(0, cut))
      indexer.write(message.subarray(cut))
      expect(indexer.finish()).toMatchObject({
        ...(header && { eightBitHeader: header }),
        ...(body && { eightBitBody: body }),
      })
      expect([indexMessage(message).eightBitHeader, indexMessage(message).eightBitBody]).toEqual([header, body])
    }
  })
})

describe('what a thread hangs on', () => {
  it('is kept of Message-ID, In-Reply-To and References', () => {
    const index = indexMessage(
      crlf('Message-ID: <3@x>\nIn-Reply-To: Your message <2@x>\nReferences: <1@x>\n  <2@x> (x)\n\n'),
    )
    expect([index.messageId, index.inReplyTo, index.references]).toEqual(['<3@x>', ['<2@x>'], ['<1@x>', '<2@x>']])
    expect(indexMessage(crlf('References: none\n\n')).references).toBeUndefined()
  })

  it('has a bound: the first and the last of very many', () => {
    const ids = Array.from({ length: 500 }, (_, at) => `<${at}@x>`)
    const { references } = indexMessage(crlf(`References: ${ids.join('\n ')}\n\n`))
    expect(references).toEqual(['<0@x>', ...ids.slice(-99)])
  })
})
