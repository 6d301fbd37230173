import { sessions } from 'mailserver'
import { expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Client, plain } from './support/client.ts'
import { startWorld } from './support/world.ts'

const WORDS = [
  'EHLO c',
  'HELO c',
  'LHLO c',
  'MAIL FROM:<a@b.test>',
  'MAIL FROM:<>',
  'MAIL FROM:<alice@example.test> SIZE=10',
  'MAIL FROM:<a@b.test> BODY=8BITMIME RET=FULL ENVID=x',
  'RCPT TO:<alice@example.test>',
  'RCPT TO:<nobody@example.test> NOTIFY=NEVER',
  'RCPT TO:<x@y.test>',
  'DATA',
  'DATA x',
  'Subject: x',
  '',
  '.',
  '..',
  'body',
  'RSET',
  'NOOP',
  'VRFY x',
  'AUTH PLAIN',
  `AUTH PLAIN ${plain('alice@example.test', 'secret')}`,
  '*',
  'AUTH LOGIN',
  '\u0000',
  '\u00ff\u00fe',
  'MAIL FROM:<a@b.test',
  'x'.repeat(5000),
  'BDAT 5 LAST',
]

/** A generator that gives the same numbers in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

it('answers any order of commands in any packets with replies alone, and ends', { timeout: 60_000 }, async () => {
  const faults: unknown[] = []
  const onFault = (fault: unknown) => void faults.push(fault)
  process.on('unhandledRejection', onFault)
  await using world = await startWorld({ smtp: { limits: { idleTimeout: 500, authFailures: 100 } } })
  const ways = [
    ['smtp', {}],
    ['submission', { tls: true }],
    ['lmtp', {}],
  ] as const
  for (let seed = 0; seed < 120; seed++) {
    const next = random(seed)
    const [protocol, options] = ways[seed % ways.length] as (typeof ways)[number]
    await using client = await Client.open(world.port(protocol, options), options)
    const lines = Array.from({ length: 60 }, () => WORDS[Math.floor(next() * WORDS.length)])
    const wire = Buffer.from(`${lines.join('\r\n')}\r\n.\r\nQUIT\r\n`, 'utf8')
    for (let at = 0; at < wire.length; ) {
      const size = 1 + Math.floor(next() * 400)
      client.write(wire.subarray(at, at + size))
      at += size
      if (next() < 0.2) await new Promise((resolve) => setImmediate(resolve))
    }
    const text = await client.rest()
    expect(text, `seed ${seed}`).toMatch(/^(?:\d{3}[- ][^\n]*\n?)*$/)
    expect(text.split('\n').at(-1), `seed ${seed}`).toMatch(/^(?:221|421|521|554) /)
  }
  await eventually(() => world.service(sessions).list().length === 0)
  process.off('unhandledRejection', onFault)
  expect(faults).toEqual([])
})
