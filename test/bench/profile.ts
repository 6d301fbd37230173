import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Node {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

/** A .cpuprofile as V8 writes it. Times are microseconds. */
export interface CpuProfile {
  readonly nodes: readonly Node[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
  /** Of the clock that `process.hrtime` reads, whatever the process. */
  readonly startTime: number
}

const TOP = 20
/** Not work: the thread waits. */
const WAITING = new Set(['(idle)', '(root)'])

/**
 * Markdown of where the time of all threads went: the functions with most time of their own, and the rooms.
 * @param fromUs what came before, such as the start of the server, is left out
 */
export function renderProfiles(directory: string, fromUs: number): string {
  const files = readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))
  if (files.length === 0) return 'The server wrote no profile.'
  const profiles = files.map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as CpuProfile)
  const { functions, rooms, totalMs } = selfTimes(profiles, fromUs)
  return [
    `${Math.round(totalMs)} ms of work in ${files.length} threads.`,
    `| function | self time | part |\n| --- | --- | --- |\n${rowsOf(functions, totalMs, TOP)}`,
    `| room or package | self time | part |\n| --- | --- | --- |\n${rowsOf(rooms, totalMs, TOP)}`,
  ].join('\n\n')
}

/** Milliseconds of self time by function and by room, over all profiles; waiting left out. */
export function selfTimes(
  profiles: readonly CpuProfile[],
  fromUs: number,
): {
  readonly functions: ReadonlyMap<string, number>
  readonly rooms: ReadonlyMap<string, number>
  readonly totalMs: number
} {
  const functions = new Map<string, number>()
  const rooms = new Map<string, number>()
  let totalMs = 0
  for (const { nodes, samples, timeDeltas, startTime } of profiles) {
    const byId = new Map(nodes.map((node) => [node.id, node]))
    let now = startTime
    for (const [at, id] of samples.entries()) {
      now += timeDeltas[at] ?? 0
      const frame = byId.get(id)?.callFrame
      if (now < fromUs || frame === undefined || WAITING.has(frame.functionName)) continue
      // The time of a sample is that until the next one.
      const ms = (timeDeltas[at + 1] ?? 0) / 1000
      const room = roomOf(frame.url, frame.functionName)
      const name = `${frame.functionName || '(anonymous)'} ${placeOf(frame.url, frame.lineNumber)}`.trim()
      functions.set(name, (functions.get(name) ?? 0) + ms)
      rooms.set(room, (rooms.get(room) ?? 0) + ms)
      totalMs += ms
    }
  }
  return { functions, rooms, totalMs }
}

/** `src/intake`, `plugins/smtp`, an npm package, `node:net`, or what V8 calls its own. */
export function roomOf(url: string, functionName: string): string {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url)?.[1]
  if (inPackage !== undefined) return inPackage
  const own = /\/((?:src|plugins)\/[^/]+)\//.exec(url)?.[1]
  if (own !== undefined) return own
  if (url.startsWith('node:')) return url
  return functionName.startsWith('(') ? functionName : 'native code'
}

function placeOf(url: string, line: number): string {
  const short = /(?:\/dist\/|node_modules\/)(?!.*node_modules\/)(.*)$/.exec(url)?.[1] ?? url
  return short === '' ? '' : `${short}:${line + 1}`
}

function rowsOf(times: ReadonlyMap<string, number>, totalMs: number, count: number): string {
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, ms]) => `| \`${name}\` | ${Math.round(ms)} ms | ${((ms / totalMs) * 100).toFixed(1)} % |`)
    .join('\n')
}
