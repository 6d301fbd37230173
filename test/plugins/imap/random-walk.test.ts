import { expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import { hear, random, sortedFlags, type Told } from './support/told.ts'

const SESSIONS = 5
const STEPS = 400

async function truth(world: World): Promise<Map<number, string>> {
  const messages = new Map<number, string>()
  for await (const batch of world.store.states(world.account, await world.idOf('INBOX'))) {
    for (const { uid, flags } of batch) messages.set(uid, sortedFlags(flags))
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
