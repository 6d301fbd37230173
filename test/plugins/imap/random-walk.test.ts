import { expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

const SESSIONS = 5
const STEPS = 400

/** What one client has been told, by the rules of the protocol alone. */
interface Told {
  readonly client: TestClient
  /** UID by sequence number less one; undefined when it was never told. */
  uids: (number | undefined)[]
  readonly flags: Map<number, string>
}

function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 4294967296) * below)
  }
}

function hear(told: Told, lines: readonly string[], canExpunge: boolean): void {
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
      if (flags !== undefined && known !== undefined) told.flags.set(known, sorted(flags))
    }
  }
}

const sorted = (flags: string) =>
  flags
    .split(' ')
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .sort()
    .join(' ')

async function truth(world: World): Promise<Map<number, string>> {
  const messages = new Map<number, string>()
  for await (const batch of world.store.states(world.account, await world.idOf('INBOX'))) {
    for (const { uid, flags } of batch) messages.set(uid, sorted(flags.join(' ')))
  }
  return messages
}

it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  'every session ends with the view that the store has (seed %i)',
  async (seed) => {
    await using world = await imapWorld()
    const below = random(seed * 7919)
    await world.deliver('INBOX', ...Array.from({ length: 10 }, (_, at) => mail(`m${at}`)))
    const all: Told[] = []
    for (let at = 0; at < SESSIONS; at++) {
      const client = await world.login()
      const told: Told = { client, uids: [], flags: new Map() }
      hear(told, await client.ok('SELECT INBOX'), true)
      hear(told, await client.ok('UID FETCH 1:* (FLAGS)'), true)
      all.push(told)
    }
    const step = async (told: Told) => {
      const count = told.uids.length
      const number = 1 + below(Math.max(1, count))
      const flag = ['\\Seen', '\\Flagged', '\\Deleted', '$a', '$b'][below(5)]
      const sign = ['+', '-', ''][below(3)]
      const command = [
        'NOOP',
        `STORE ${number} ${sign}FLAGS (${flag})`,
        `UID STORE ${1 + below(60)}:* ${sign}FLAGS.SILENT (${flag})`,
        'EXPUNGE',
        `FETCH ${number} (UID FLAGS)`,
        'UID FETCH 1:* (FLAGS)',
        `COPY ${number} INBOX`,
        `UID MOVE ${told.uids[number - 1] ?? 1} Trash`,
        'SEARCH DELETED',
        'UID SEARCH ALL',
      ][below(10)] as string
      if (count === 0 && /^(STORE|FETCH|COPY) /.test(command)) return
      const lines = await told.client.command(command)
      const last = lines.pop() as string
      expect(last, command).toMatch(/ (OK|NO \[EXPUNGEISSUED\])/)
      hear(told, lines, !/^(STORE|FETCH|SEARCH)/.test(command))
    }
    for (let at = 0; at < STEPS; at += SESSIONS) {
      await Promise.all(all.map(step))
      if (below(4) === 0) await world.deliver('INBOX', mail(`new${at}`))
    }
    const expected = await truth(world)
    for (const told of all) {
      hear(told, await told.client.ok('NOOP'), true)
      // Silent changes of one's own are not told: what the client must ask for, it asks for.
      hear(told, await told.client.ok('UID FETCH 1:* (FLAGS)'), true)
      expect(told.uids).toEqual([...expected.keys()])
      expect(told.uids.map((uid) => told.flags.get(uid as number))).toEqual([...expected.values()])
      const quiet = await told.client.ok('NOOP')
      expect(quiet).toEqual([])
    }
  },
)
