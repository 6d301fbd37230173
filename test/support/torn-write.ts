interface Write {
  readonly position: number
  readonly bytes: Buffer
}

/** What a drive writes whole or not at all. */
const SECTOR = 512

/** What a power failure leaves of a change to a file: of a write each sector or not, of anything else all or nothing. */
export function torn<Other extends object>(change: Write | Other, isKept: () => boolean): (Write | Other)[] {
  if (!('bytes' in change)) return isKept() ? [change] : []
  const sectors: Write[] = []
  const { position, bytes } = change
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + SECTOR - ((position + at) % SECTOR))
    if (isKept()) sectors.push({ position: position + at, bytes: bytes.subarray(at, end) })
    at = end
  }
  return sectors
}
