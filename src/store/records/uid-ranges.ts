/** Ascending UIDs as ranges: `[1, 2, 3, 7]` is `[[1, 3], [7, 7]]`. A mailbox of any size is then a few numbers. */
export type UidRange = readonly [first: number, last: number]

/** @param uids ascending, without repetition */
export function toRanges(uids: readonly number[]): UidRange[] {
  const ranges: [number, number][] = []
  let open: [number, number] | undefined
  for (const uid of uids) {
    if (open !== undefined && uid === open[1] + 1) open[1] = uid
    else {
      open = [uid, uid]
      ranges.push(open)
    }
  }
  return ranges
}

export function fromRanges(ranges: readonly UidRange[]): number[] {
  const uids: number[] = []
  for (const [first, last] of ranges) for (let uid = first; uid <= last; uid++) uids.push(uid)
  return uids
}

/** UIDs as they are worked on: ascending, each once; what can be no UID (RFC 3501 section 2.3.1.1) is left out. */
export function ascending(uids: readonly number[]): readonly number[] {
  let last = 0
  for (const uid of uids) {
    if (!(uid > last && uid <= 0xffff_ffff && Number.isInteger(uid))) return sorted(uids)
    last = uid
  }
  return uids
}

function sorted(uids: readonly number[]): readonly number[] {
  const valid = uids.filter((uid) => Number.isInteger(uid) && uid > 0 && uid <= 0xffff_ffff)
  return [...new Set(valid)].sort((a, b) => a - b)
}
