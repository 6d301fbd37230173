import { RandomOctets } from '../kernel/random-octets.ts'
import type { MessageId } from '../queue/queue.ts'

/** Crockford's base 32 in lower case: no letter that can be taken for a digit. Sorts as its values do. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const TIME_DIGITS = 9
const RANDOM_BYTES = 5
const RANDOM_DIGITS = 8

const octets = new RandomOctets(RANDOM_BYTES)

/**
 * A new message's id: 9 digits of time and 8 of chance, e.g. `1hqk3v8x2m4t7w0bz`. Ids sort by time to the millisecond;
 * 40 random bits keep workers and machines apart without asking each other.
 * @param now milliseconds since the epoch
 */
export function newMessageId(now: number): MessageId {
  const random = octets.next().readUIntBE(0, RANDOM_BYTES)
  return `${digits(now, TIME_DIGITS)}${digits(random, RANDOM_DIGITS)}` as MessageId
}

/** The last `count` digits of a number, without what it has of a fraction. */
function digits(value: number, count: number): string {
  let text = ''
  let rest = Math.floor(value)
  for (let left = count; left > 0; left--) {
    text = (DIGITS[rest % 32] as string) + text
    rest = Math.floor(rest / 32)
  }
  return text
}
