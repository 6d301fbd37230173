import { Readable } from 'node:stream'
import { MailError } from 'mailserver'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Pop3Client } from './pop3-client.ts'
import { startPop3 } from './pop3-host.ts'

const MEGABYTE = 1024 * 1024

describe('sizes are those of what is sent', () => {
  test.each([
    ['with bare LFs', 'A: 1\n\n.\nx\r\ny\n', 'A: 1\r\n\r\n.\r\nx\r\ny\r\n'],
    ['without a last line end', 'A: 1\r\n\r\nx', 'A: 1\r\n\r\nx\r\n'],
    ['without a body', 'A: 1\r\n', 'A: 1\r\n'],
    ['of one bare LF', '\n', '\r\n'],
    ['with CRs that end no line', 'A: 1\r\n\r\na\rb\r\r\n', 'A: 1\r\n\r\na\rb\r\r\n'],
    ['of 8-bit octets and NULs', 'A: \xe4\r\n\r\n\0\xff\r\n', 'A: \xe4\r\n\r\n\0\xff\r\n'],
    ['with nothing in it', '', ''],
  ])('for a message %s', async (_, stored, sent) => {
    await using host = await startPop3()
    await host.deliver([stored, stored])
    using client = await Pop3Client.login(host)
    expect(await client.command('STAT')).toBe(`+OK 2 ${sent.length * 2}`)
    expect(await client.command('LIST 1')).toBe(`+OK 1 ${sent.length}`)
    expect(await client.lines('RETR 1')).toEqual({ status: `+OK ${sent.length} octets`, body: sent })
    expect(await client.command('NOOP')).toBe('+OK Nothing done')
  })

  test('also at the next login, and of messages that came since', async () => {
    await using host = await startPop3()
    await host.deliver(['A: 1\n\n', 'B: 2\r\n\r\n'])
    for (const [stat, more] of [
      ['+OK 2 16', ['C: 3\n\n']],
      ['+OK 3 24', []],
    ] as const) {
      using client = await Pop3Client.login(host)
      expect(await client.command('STAT')).toBe(stat)
      await client.command('QUIT')
      await host.deliver(more)
    }
  })
})

describe('a large message', () => {
  const line = `.${'x'.repeat(70)}\r\n`
  const large = `Subject: large\r\n\r\n${line.repeat(Math.ceil((20 * MEGABYTE) / line.length))}`

  test('comes out as it went in', async () => {
    await using host = await startPop3()
    await host.deliver([large, large.replaceAll('\r\n', '\n')])
    const header = 'Subject: large\r\n\r\n'
    const stuffed = `+OK ${large.length} octets\r\n${header}${large.slice(header.length).replaceAll(/^\./gm, '..')}.\r\n`
    for (const number of [1, 2]) {
      using client = await Pop3Client.login(host)
      client.write(`RETR ${number}\r\nTOP ${number} 1\r\nQUIT\r\n`)
      const heard = await client.rest()
      expect(heard.slice(0, stuffed.length) === stuffed).toBe(true)
      expect(heard.slice(stuffed.length)).toBe(`+OK Top of message follows\r\n${header}.${line}.\r\n+OK Bye\r\n`)
    }
  })

  test('is read no faster than the client reads, and let go when it leaves', async () => {
    let given = 0
    let isClosed = false
    const slow = () =>
      Readable.from(
        (async function* () {
          try {
            for (; given < 200 * MEGABYTE; given += MEGABYTE) yield Buffer.alloc(MEGABYTE, 'x\r\n')
          } finally {
            isClosed = true
          }
        })(),
      )
    await using host = await startPop3({ wrapStore: (store) => ({ ...store, stream: async () => slow() }) })
    await host.deliver([large])
    const client = await Pop3Client.login(host)
    client.write('RETR 1\r\n')
    await client.line()
    client.socket.pause()
    let before = -1
    await eventually(async () => {
      const isStill = given === before
      before = given
      await new Promise((resolve) => setTimeout(resolve, 200))
      return isStill
    })
    expect(given).toBeLessThan(50 * MEGABYTE)
    client.close()
    await eventually(() => isClosed && host.sessions().length === 0)
  })
})

describe('a message that cannot be read', () => {
  const big = `A: 1\r\n\r\n${'x\r\n'.repeat(100_000)}`

  test('at all is refused', async () => {
    const corrupt = () => Promise.reject(new MailError('CORRUPT', 'a checksum does not match'))
    await using host = await startPop3({ wrapStore: (store) => ({ ...store, read: corrupt, stream: corrupt }) })
    await host.deliver(['A: 1\r\n\r\n', big])
    using client = await Pop3Client.login(host)
    for (const number of [1, 2]) {
      expect(await client.command(`RETR ${number}`)).toBe('-ERR [SYS/PERM] Message cannot be read')
    }
    expect(await client.command('NOOP')).toBe('+OK Nothing done')
  })

  test('to its end is cut off, never ended as if it were whole', async () => {
    const half = async () =>
      Readable.from(
        (async function* () {
          yield Buffer.from('A: 1\r\n\r\nhalf')
          throw new MailError('CORRUPT', 'a checksum does not match')
        })(),
      )
    await using host = await startPop3({ wrapStore: (store) => ({ ...store, stream: half }) })
    await host.deliver([big])
    using client = await Pop3Client.login(host)
    client.write('RETR 1\r\n')
    expect(await client.rest()).not.toMatch(/\r\n\.\r\n/)
    await eventually(() => host.sessions().length === 0)
  })
})
