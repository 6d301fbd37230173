const LF = 10
const CR = 13

/** Counts the line ends of octets as they pass. */
export class LineEnds {
  /** All LFs. */
  count = 0
  /** Those that no CR stands before. */
  bare = 0

  /** Adds those of a range. @param before the octet before `bytes`, 0 when there is none */
  addRange(bytes: Buffer, from: number, to: number, before: number): void {
    let at = bytes.indexOf(LF, from)
    while (at !== -1 && at < to) {
      this.addOne(bytes, at, before)
      at = bytes.indexOf(LF, at + 1)
    }
  }

  /** Adds the LF at `at`. @returns the octets of the line end */
  addOne(bytes: Buffer, at: number, before: number): 1 | 2 {
    this.count++
    if ((at === 0 ? before : bytes[at - 1]) === CR) return 2
    this.bare++
    return 1
  }
}
