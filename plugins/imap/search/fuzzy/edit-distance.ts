/**
 * How many letters must be added, left out, changed or swapped with their neighbour to make one word of the other; more
 * than `most` is told as `most + 1`, without going on to count. Costs at most (2 × most + 1) steps a letter.
 */
export function editDistance(one: string, other: string, most: number): number {
  const tooMany = most + 1
  if (Math.abs(one.length - other.length) > most) return tooMany
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, at) => Math.min(at, tooMany))
  for (let i = 1; i <= one.length; i++) {
    const row: number[] = new Array(other.length + 1).fill(tooMany)
    row[0] = Math.min(i, tooMany)
    let least = row[0]
    const end = Math.min(other.length, i + most)
    for (let j = Math.max(1, i - most); j <= end; j++) {
      const isSame = one.charCodeAt(i - 1) === other.charCodeAt(j - 1)
      let cost = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (isSame ? 0 : 1),
      )
      const isSwapped =
        i > 1 &&
        j > 1 &&
        one.charCodeAt(i - 1) === other.charCodeAt(j - 2) &&
        one.charCodeAt(i - 2) === other.charCodeAt(j - 1)
      if (isSwapped) cost = Math.min(cost, (beforeLast[j - 2] as number) + 1)
      row[j] = Math.min(cost, tooMany)
      least = Math.min(least, cost)
    }
    if (least > most) return tooMany
    beforeLast = last
    last = row
  }
  return last[other.length] as number
}
