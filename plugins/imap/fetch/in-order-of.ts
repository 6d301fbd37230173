/** Puts what the store gives by rising UID in the order of `uids`, which rise or fall. */
export function inOrderOf<T>(uids: readonly number[], rising: readonly T[]): readonly T[] {
  const isFalling = uids.length > 1 && (uids[0] as number) > (uids[1] as number)
  return isFalling ? rising.toReversed() : rising
}
