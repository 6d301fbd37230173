import { expect, it } from 'vitest'
import { mailData } from '../../../plugins/outbound/mail-data.ts'

const written = (message: string) => mailData(Buffer.from(message, 'latin1'))?.toString('latin1')

it.each([
  ['a\r\nb\r\n', 'a\r\nb\r\n.\r\n'],
  ['', '\r\n.\r\n'],
  ['no end', 'no end\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['..\r\n', '...\r\n.\r\n'],
  ['a\r\n.\r\nMAIL FROM:<>\r\n', 'a\r\n..\r\nMAIL FROM:<>\r\n.\r\n'],
  ['a.\r\n.b\r\n.c', 'a.\r\n..b\r\n..c\r\n.\r\n'],
  ['\r\n\r\n', '\r\n\r\n.\r\n'],
  ['\xff\x00\r\n', '\xff\x00\r\n.\r\n'],
])('doubles dots and ends the data: %j', (message, data) => {
  expect(written(message)).toBe(data)
})

it.each(['a\nb\r\n', '\n', 'a\rb\r\n', 'a\r', 'a\r\r\n', '\n.\r\n', 'a\r\n\r'])(
  'leaves to be made whole what has a CR or LF alone: %j',
  (message) => {
    expect(written(message)).toBeUndefined()
  },
)

it('gives back the message, and no end before the end, whatever it is made of', () => {
  const parts = ['\r\n', '.', 'x', '..', 'long text', '\r\n.', '\r\n.\r\n']
  let seed = 5
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor((seed / 2147483648) * below)
  }
  for (let round = 0; round < 2000; round++) {
    const message = Array.from({ length: random(12) }, () => parts[random(parts.length)]).join('')
    const data = `\r\n${written(message)}`
    const end = data.indexOf('\r\n.\r\n')
    expect(end).toBe(data.length - 5)
    const read = data.slice(2, end + 2).replace(/^\./gm, '')
    expect([message, `${message}\r\n`]).toContain(read)
  }
})
