import { describe, expect, it } from 'vitest'
import { DataDecoder } from '../../../../plugins/smtp/wire/data-decoder.ts'

interface Taken {
  readonly content: string
  readonly rest: string | undefined
  readonly fault: string | undefined
}

/** Decodes what is sent in the chunks that `cut` makes of it. */
function decode(wire: string, cuts: readonly number[] = [], maxLine = 0): Taken {
  const decoder = new DataDecoder(maxLine)
  const bytes = Buffer.from(wire, 'latin1')
  let content = ''
  let rest: string | undefined
  const bounds = [0, ...cuts, bytes.length]
  for (let at = 0; at < bounds.length - 1; at++) {
    const chunk = bytes.subarray(bounds[at], bounds[at + 1])
    if (rest !== undefined) {
      rest += chunk.toString('latin1')
      continue
    }
    const decoded = decoder.decode(chunk)
    content += Buffer.concat([...decoded.pieces]).toString('latin1')
    rest = decoded.rest?.toString('latin1')
  }
  return { content, rest, fault: decoder.fault }
}

const everyCut = (length: number) => Array.from({ length: Math.max(0, length - 1) }, (_, at) => at + 1)

/** One chunk, every two chunks, and an octet at a time: the answer must be the same. */
function inEveryWay(wire: string, check: (taken: Taken) => void): void {
  check(decode(wire))
  for (const cut of everyCut(wire.length)) check(decode(wire, [cut]))
  check(decode(wire, everyCut(wire.length)))
}

describe('DataDecoder', () => {
  it.each([
    ['.\r\n', '', ''],
    ['.\r\nQUIT\r\n', '', 'QUIT\r\n'],
    ['a\r\n.\r\n', 'a\r\n', ''],
    ['..\r\n.\r\n', '.\r\n', ''],
    ['...\r\n.\r\n', '..\r\n', ''],
    ['.a\r\n.\r\n', 'a\r\n', ''],
    ['\r\n.\r\n', '\r\n', ''],
    ['a.\r\n.\r\n', 'a.\r\n', ''],
    ['a\r\n..\r\n.\r\nNOOP\r\n', 'a\r\n.\r\n', 'NOOP\r\n'],
    ['a\r\n\r\n\r\n.\r\n', 'a\r\n\r\n\r\n', ''],
  ])('takes the dots off %j and finds its end, however it is cut (RFC 5321 section 4.5.2)', (wire, content, rest) => {
    inEveryWay(wire, (taken) => expect(taken).toEqual({ content, rest, fault: undefined }))
  })

  it.each([
    'a\n.\r\nMAIL',
    'a\n.\nMAIL',
    'a\r\n.\nMAIL',
    'a\r.\r\nMAIL',
    'a\r.\rMAIL',
    'a\r\n.\rMAIL',
    'a\r\r\n.\r\nMAIL',
    'a\n\r\n.\r\nMAIL',
    '.\nMAIL',
    '.\rMAIL',
    '\n.\r\nMAIL',
    'a\rb\r\n.\r\n',
    'a\nb\r\n.\r\n',
  ])('sees the bare line end in %j, and nothing after it is a command', (wire) => {
    inEveryWay(`${wire}\r\n.\r\n`, (taken) => {
      expect(taken.fault).toBe('bare-newline')
      expect(taken.rest).toBeDefined()
      expect(taken.content).not.toContain('MAIL')
    })
  })

  it('lets a peer that knows no CRLF come to its own end, so that it hears the answer', () => {
    expect(decode('Subject: x\n\nbody\n').rest).toBeUndefined()
    expect(decode('Subject: x\n\nbody\n.\n').rest).toBe('')
  })

  it('sees a NUL octet anywhere', () => {
    inEveryWay('a\0b\r\n.\r\n', (taken) => expect(taken).toMatchObject({ fault: 'nul', rest: '' }))
  })

  it('counts a line without its CRLF and without the added dot, over all chunks', () => {
    const longest = 'x'.repeat(20)
    for (const cut of everyCut(25)) {
      expect(decode(`${longest}\r\n.\r\n`, [cut], 20).fault).toBeUndefined()
      expect(decode(`.${longest}\r\n.\r\n`, [cut], 20).fault).toBeUndefined()
      expect(decode(`${longest}y\r\n.\r\n`, [cut], 20).fault).toBe('line-too-long')
    }
  })
})
