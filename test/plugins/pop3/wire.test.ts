import { describe, expect, test } from 'vitest'
import { replyFor } from '../../../plugins/pop3/error-replies.ts'
import { parseCommandLine, parseNumber } from '../../../plugins/pop3/wire/command-line.ts'
import { DotStuffing } from '../../../plugins/pop3/wire/dot-stuffing.ts'
import { TopLines } from '../../../plugins/pop3/wire/top-lines.ts'

const inChunks = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))

function stuff(text: string, hasBareLf: boolean, size: number): string {
  const stuffing = new DotStuffing(hasBareLf)
  const chunks = inChunks(Buffer.from(text, 'latin1'), size).map((chunk) => stuffing.push(chunk))
  return Buffer.concat([...chunks, stuffing.end()]).toString('latin1')
}

function top(text: string, lines: number, size: number): string {
  const limit = new TopLines(lines)
  const kept: Buffer[] = []
  for (const chunk of inChunks(Buffer.from(text, 'latin1'), size)) {
    kept.push(limit.push(chunk))
    if (limit.isDone) break
  }
  return Buffer.concat(kept).toString('latin1')
}

const SIZES = [1, 2, 3, 5, 1000]

describe('dot-stuffing', () => {
  test.each([
    ['', ''],
    ['.', '..\r\n'],
    ['a\r\n', 'a\r\n'],
    ['a', 'a\r\n'],
    ['.\r\n', '..\r\n'],
    ['a\r\n.\r\n.b\r\n..\r\nc.\r\n', 'a\r\n..\r\n..b\r\n...\r\nc.\r\n'],
    ['\r\n\r\n.\r\n', '\r\n\r\n..\r\n'],
    ['a\r.b\r\n', 'a\r.b\r\n'],
    ['a\r', 'a\r\r\n'],
  ])('%j becomes %j, wherever it is cut', (text, expected) => {
    for (const size of SIZES) for (const hasBareLf of [true, false]) expect(stuff(text, hasBareLf, size)).toBe(expected)
  })

  test.each([
    ['a\nb\n', 'a\r\nb\r\n'],
    ['a\n.\n\n.b', 'a\r\n..\r\n\r\n..b\r\n'],
    ['\n', '\r\n'],
    ['a\r\nb\n\r\n.\n', 'a\r\nb\r\n\r\n..\r\n'],
    ['a\r\r\n', 'a\r\r\n'],
  ])('of bare LFs: %j becomes %j', (text, expected) => {
    for (const size of SIZES) expect(stuff(text, true, size)).toBe(expected)
  })

  test('copies nothing when nothing changes', () => {
    const chunk = Buffer.from('a\r\nb\r\n')
    expect(new DotStuffing(false).push(chunk)).toBe(chunk)
  })
})

describe('TOP', () => {
  const MESSAGE = 'A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree'
  test.each([
    [MESSAGE, 0, 'A: 1\r\nB: 2\r\n\r\n'],
    [MESSAGE, 1, 'A: 1\r\nB: 2\r\n\r\none\r\n'],
    [MESSAGE, 2, 'A: 1\r\nB: 2\r\n\r\none\r\n\r\n'],
    [MESSAGE, 3, MESSAGE],
    ['A: 1\n\none\ntwo\n', 1, 'A: 1\n\none\n'],
    ['\r\nbody\r\nmore\r\n', 1, '\r\nbody\r\n'],
    ['A: \r1\r\n\r\r\n\r\nx\r\n', 0, 'A: \r1\r\n\r\r\n\r\n'],
    ['A: 1\r\n', 5, 'A: 1\r\n'],
    ['', 5, ''],
  ])('of %j with %i lines is %j, wherever it is cut', (text, lines, expected) => {
    for (const size of SIZES) expect(top(text, lines, size)).toBe(expected)
  })
})

describe('a command line', () => {
  test.each([
    ['stat', { keyword: 'STAT', argument: '' }],
    ['TOP 1  2', { keyword: 'TOP', argument: '1  2' }],
    ['PASS  two spaces ', { keyword: 'PASS', argument: ' two spaces ' }],
    ['USER jürgen@example.test', { keyword: 'USER', argument: 'jürgen@example.test' }],
    ['QUIT ', { keyword: 'QUIT', argument: '' }],
  ])('%j is read', (line, command) => {
    expect(parseCommandLine(Buffer.from(line))).toEqual(command)
  })

  test.each(['', ' ', 'ST', 'STATS', '4TAT', 'STAT\t1', 'PASS a\0b', 'PASS \x7f', '\xff\xfe', 'GET / HTTP/1.0'])(
    '%j is none, or not one of ours',
    (line) => {
      expect(['GET', undefined]).toContain(parseCommandLine(Buffer.from(line))?.keyword)
    },
  )

  test('numbers are digits, and not too many', () => {
    expect(['1', '007', '999999999'].map(parseNumber)).toEqual([1, 7, 999_999_999])
    expect(['', '-1', '+1', '1.5', '0x1', '1e3', '1 ', '9999999999', '１'].map(parseNumber)).toEqual(
      Array(9).fill(undefined),
    )
  })
})

test('what is not an error of the core is our fault, and tells the client nothing', () => {
  expect(replyFor(new TypeError('secret detail')).status).toBe('-ERR [SYS/TEMP] Temporary problem, try again later')
})
