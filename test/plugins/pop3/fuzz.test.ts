import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Pop3Client } from './pop3-client.ts'
import { PASSWORD, type Pop3Host, startPop3 } from './pop3-host.ts'

const SESSIONS = 150
const LINES = 30

let host: Pop3Host
beforeAll(async () => {
  host = await startPop3({ pop3: { failureDelay: 0 } })
  await host.deliver(['A: 1\r\n\r\n.\r\n', 'B: 2\n\n.\n', `C: 3\r\n\r\n${'x\r\n'.repeat(100_000)}`])
})
afterAll(() => host[Symbol.asyncDispose]())

/** A generator that gives the same numbers for the same seed (mulberry32), so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const KEYWORDS = 'USER PASS AUTH STLS CAPA STAT LIST RETR TOP UIDL DELE RSET NOOP QUIT XXXX AUTH'.split(' ')
const ARGUMENTS = ['', '1', '2', '3', '0', '4', '-1', '1 0', '3 5', '99999999999', 'PLAIN', 'PLAIN =', '\xff', 'a b c']

function line(pick: (below: number) => number): Buffer {
  if (pick(8) === 0) return Buffer.from(Array.from({ length: pick(300) }, () => pick(256)))
  const keyword = KEYWORDS[pick(KEYWORDS.length)] as string
  const argument = ARGUMENTS[pick(ARGUMENTS.length)] as string
  const end = ['\r\n', '\n', '\r', '', '\0\r\n'][pick(16)] ?? '\r\n'
  return Buffer.from(`${keyword}${argument === '' ? '' : ' '}${argument}${end}`, 'latin1')
}

describe('whole sessions of random lines', () => {
  test.each([false, true])(
    'never hang nor break the server (logged in: %s)',
    async (loggedIn) => {
      const unhandled: unknown[] = []
      const onUnhandled = (reason: unknown) => void unhandled.push(reason)
      process.on('unhandledRejection', onUnhandled)
      for (let seed = 0; seed < SESSIONS; seed++) {
        const pick = random(seed)
        const isTls = loggedIn || pick(2) === 0
        using client = loggedIn ? await Pop3Client.login(host) : await Pop3Client.connect(host, { tls: isTls })
        for (let at = 0; at < LINES; at++) client.write(line(pick))
        client.write('\r\n')
        if (pick(3) === 0) client.close()
        else client.socket.end('\r\nQUIT\r\n')
        const heard = await client.rest()
        // With STLS the rest is a broken handshake; whatever else was heard is made of replies and messages.
        if (heard !== '') expect(heard, `seed ${seed}`).toMatch(/^(\+OK|-ERR|\+ )/)
        await eventually(() => host.sessions().length === 0)
        if ((await host.uids()).length < 3) await host.deliver(['D: 4\r\n\r\n'])
      }
      process.off('unhandledRejection', onUnhandled)
      expect(unhandled).toEqual([])
      using client = await Pop3Client.connect(host)
      await client.command('USER alice@example.test')
      expect(await client.command(`PASS ${PASSWORD}`)).toMatch(/^\+OK/)
      await client.command('QUIT')
      await eventually(() => host.sessions().length === 0)
    },
    60_000,
  )
})
