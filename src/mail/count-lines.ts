const LF = 10
const CR = 13

/** LFs in a range of octets. */
export function countLines(bytes: Buffer, from: number, to: number): number {
  let count = 0
  for (let at = bytes.indexOf(LF, from); at !== -1 && at < to; at = bytes.indexOf(LF, at + 1)) count++
  return count
}

/** LFs that no CR stands before. @param before the octet before the first, 0 when there is none */
export function countBareLineFeeds(bytes: Buffer, before: number): number {
  let count = 0
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if ((at === 0 ? before : bytes[at - 1]) !== CR) count++
  }
  return count
}
