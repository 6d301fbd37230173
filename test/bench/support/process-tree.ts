import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of /proc a second: 100 on every Linux that matters (`getconf CLK_TCK`). */
const TICKS = 100

interface Stat {
  readonly pid: number
  readonly parent: number
  readonly session: number
  /** Ticks of the process and of its children that have ended. */
  readonly ticks: number
}

/** Everything that descends from these processes or shares a session with one that does, they included. */
function familyOf(roots: readonly number[]): Stat[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []))
  const own = new Set(roots)
  const ownSession = readSession()
  for (let grew = true; grew; ) {
    grew = false
    const sessions = new Set(all.filter(({ pid }) => own.has(pid)).map(({ session }) => session))
    sessions.delete(ownSession)
    for (const { pid, parent, session } of all) {
      if (own.has(pid) || !(own.has(parent) || sessions.has(session))) continue
      own.add(pid)
      grew = true
    }
  }
  return all.filter(({ pid }) => own.has(pid))
}

const readSession = (): number => statOf(process.pid)?.session ?? -1

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name may hold spaces and brackets; fields are counted behind its last bracket.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const number = (at: number) => Number(fields[at])
    return {
      pid,
      parent: number(1),
      session: number(3),
      ticks: number(11) + number(12) + number(13) + number(14),
    }
  } catch {
    // It ended while it was looked at.
    return undefined
  }
}

/** Processor time of all these processes so far, milliseconds, with that of children that ended and were waited for. */
export function cpuMs(roots: readonly number[]): number {
  return familyOf(roots).reduce((sum, { ticks }) => sum + ticks, 0) * (1000 / TICKS)
}

/** Memory of all these processes, octets: what they share is counted once (PSS). */
export function memoryBytes(roots: readonly number[]): number {
  return familyOf(roots).reduce((sum, { pid }) => sum + pssOf(pid), 0)
}

/** How many processes it is. */
export const processCount = (roots: readonly number[]): number => familyOf(roots).length

function pssOf(pid: number): number {
  try {
    const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))
    return Number(match?.[1] ?? 0) * 1024
  } catch {
    // It ended while it was looked at.
    return 0
  }
}
