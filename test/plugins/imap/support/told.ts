import { expect } from 'vitest'
import type { TestClient } from './test-client.ts'

/** What one client has been told, by the rules of the protocol alone. */
export interface Told {
  readonly client: TestClient
  /** UID by sequence number less one; undefined when it was never told. */
  uids: (number | undefined)[]
  readonly flags: Map<number, string>
}

/** Numbers that follow from a seed: each call gives one from 0 up to, and not with, `below`. */
export function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 4294967296) * below)
  }
}

/** Takes over what the client was told; a rule of the protocol that is broken fails the test. */
export function hear(told: Told, lines: readonly string[], canExpunge: boolean): void {
  for (const line of lines) {
    const match = /^\* (\d+) (EXPUNGE|EXISTS|FETCH)(.*)$/.exec(line)
    if (match === null) continue
    const number = Number(match[1])
    if (match[2] === 'EXPUNGE') {
      expect(canExpunge, line).toBe(true)
      expect(number, line).toBeLessThanOrEqual(told.uids.length)
      told.uids.splice(number - 1, 1)
    } else if (match[2] === 'EXISTS') {
      expect(number, line).toBeGreaterThanOrEqual(told.uids.length)
      while (told.uids.length < number) told.uids.push(undefined)
    } else {
      expect(number, line).toBeLessThanOrEqual(told.uids.length)
      const uid = Number(/UID (\d+)/.exec(match[3] as string)?.[1] ?? Number.NaN)
      if (!Number.isNaN(uid)) {
        // A number must never change its meaning behind the client's back.
        expect(told.uids[number - 1] ?? uid, line).toBe(uid)
        told.uids[number - 1] = uid
      }
      const flags = /FLAGS \(([^)]*)\)/.exec(match[3] as string)?.[1]
      const known = told.uids[number - 1]
      if (flags !== undefined && known !== undefined) told.flags.set(known, sortedFlags(flags.split(' ')))
    }
  }
}

/** Flags as they are compared: `\\Recent` is of a session, and not of the message. */
export const sortedFlags = (flags: Iterable<string>): string =>
  [...flags]
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .sort()
    .join(' ')
