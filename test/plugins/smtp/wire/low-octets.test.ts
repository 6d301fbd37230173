import { describe, expect, it } from 'vitest'
import { LowOctets } from '../../../../plugins/smtp/wire/low-octets.ts'
import { seeded } from '../../../../src/testing/mail-store-contract/walk-model.ts'

const OCTETS = [0, 9, 10, 13, 14, 15, 32, 127, 128, 0x8d, 0x8e, 255]

describe('octets up to CR', () => {
  it('are found wherever they stand, and no others, in a buffer that begins anywhere', () => {
    const random = seeded(7)
    for (let round = 0; round < 3_000; round++) {
      const whole = Buffer.alloc(40, random(2) === 0 ? 0 : 120)
      const bytes = whole.subarray(random(8), 8 + random(32))
      // Rarely low ones, so that whole words are passed over.
      for (let at = 0; at < bytes.length; at++)
        bytes[at] = OCTETS[random(8) === 0 ? random(4) : 4 + random(8)] as number
      const low = new LowOctets(bytes)
      for (let from = 0; from <= bytes.length; from++) {
        const expected = bytes.findIndex((octet, at) => at >= from && octet <= 13)
        expect(low.next(from), `${bytes.toString('hex')} from ${from}`).toBe(expected === -1 ? bytes.length : expected)
      }
    }
  })
})
