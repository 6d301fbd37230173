import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { drive } from './power.ts'

/** Numbers from 0 to 1 that a seed repeats. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/**
 * Writes a store as it is found when the power comes back.
 * @param from the store's directory @param index a copy of its index @param to where the store is put, with its segments
 */
export function writeLostStore(from: string, index: string, to: string, isKept: () => boolean): void {
  mkdirSync(join(to, 'log'), { recursive: true })
  cpSync(join(from, 'VERSION'), join(to, 'VERSION'))
  cpSync(index, join(to, 'index'), { recursive: true })
  for (const [path, file] of drive.files) {
    if (dirname(path) === join(from, 'log')) writeFileSync(join(to, 'log', basename(path)), file.afterPowerLoss(isKept))
  }
}
