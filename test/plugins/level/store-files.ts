import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const storeOf = (dataDir: string) => join(dataDir, 'store')
export const indexOf = (dataDir: string) => join(dataDir, 'store', 'index')
export const logOf = (dataDir: string) => join(dataDir, 'store', 'log')

/** Paths of the segments, oldest first. */
export function segmentsOf(dataDir: string): string[] {
  return readdirSync(logOf(dataDir))
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(logOf(dataDir), name))
}

/** Puts a copy of `from` in the place of `to`. */
export function replaceDirectory(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
}
