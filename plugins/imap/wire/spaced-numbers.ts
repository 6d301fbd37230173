/** A space and ten digits, of which the largest UID has no more. */
const MAX_OCTETS = 11
const SPACE = 0x20
const ZERO = 0x30

/** Numbers of 32 bits, each behind a space: what an untagged SEARCH lists (RFC 3501 section 7.2.5). */
export function spacedNumbers(numbers: readonly number[]): Buffer {
  const octets = Buffer.allocUnsafe(numbers.length * MAX_OCTETS)
  let end = 0
  for (const number of numbers) {
    octets[end++] = SPACE
    let digits = 1
    for (let power = 10; number >= power; power *= 10) digits += 1
    let rest = number
    for (let at = end + digits - 1; at >= end; at--) {
      const next = (rest / 10) >>> 0
      octets[at] = ZERO + rest - next * 10
      rest = next
    }
    end += digits
  }
  return octets.subarray(0, end)
}
