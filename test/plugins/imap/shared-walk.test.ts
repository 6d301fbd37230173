import type { Rights } from 'mailserver'
import { expect, it } from 'vitest'
import { imapWorld, WITH_PUBLIC, type World } from './support/imap-world.ts'
import type { User } from './support/test-directory.ts'
import { hear, random, sortedFlags, type Told } from './support/told.ts'

/**
 * Many sessions of several users work in two shared mailboxes at once, and a model that knows no server does the same: at
 * every sync point each session's view is the model's. `IMAP_WALK_ROUNDS` makes the walk longer, `IMAP_WALK_SEED` another.
 */
const SEED = Number(process.env.IMAP_WALK_SEED ?? 20_260)
const ROUNDS = process.env.IMAP_WALK_ROUNDS

const ALL = 'lrswipkxtea'
const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', '$a'] as const

interface Box {
  readonly nameFor: (user: User) => string
  readonly rights: Readonly<Partial<Record<User, Rights>>>
  /** Flags of every message by its UID. */
  readonly messages: Map<number, Set<string>>
}

interface Actor extends Told {
  readonly user: User
  readonly box: Box
  readonly other: Box
  /** Which of the sessions on the mailbox it is: it alone changes the messages whose UIDs leave this number. */
  readonly part: number
  readonly parts: number
}

function boxes(): readonly [Box, Box] {
  return [
    {
      nameFor: (user) => (user === 'alice' ? 'INBOX' : '"Other Users/alice@example.test/INBOX"'),
      rights: { alice: ALL, bob: 'lrswite', carol: 'lrsi' },
      messages: new Map(),
    },
    {
      nameFor: () => 'Shared/Team',
      rights: { alice: 'lrwte', bob: 'lrswit', carol: 'lrswite' },
      messages: new Map(),
    },
  ]
}

const rightsOf = (box: Box, user: User): Rights => box.rights[user] ?? ''
const rightFor = (flag: string): string => (flag === '\\Seen' ? 's' : flag === '\\Deleted' ? 't' : 'w')
const permitted = (box: Box, user: User, flags: Iterable<string>): Set<string> =>
  new Set([...flags].filter((flag) => rightsOf(box, user).includes(rightFor(flag))))

async function worldOf(all: readonly [Box, Box]): Promise<World> {
  const world = await imapWorld({ sharing: WITH_PUBLIC })
  const [inbox, team] = all
  await (await world.login('admin')).ok('CREATE Shared/Team')
  for (const user of ['bob', 'carol'] as const) await world.share(user, rightsOf(inbox, user))
  for (const user of ['alice', 'bob', 'carol'] as const) await world.share(user, rightsOf(team, user), 'Team', 'public')
  return world
}

async function enter(world: World, all: readonly [Box, Box], count: number): Promise<Actor[]> {
  const actors: Actor[] = []
  for (let at = 0; at < count; at++) {
    const user = (['alice', 'bob', 'carol'] as const)[at % 3] as User
    const [box, other] = at % 2 === 0 ? all : [all[1], all[0]]
    const client = await world.login(user)
    const parts = Math.ceil((count - (at % 2)) / 2)
    const actor: Actor = { client, uids: [], flags: new Map(), user, box, other, part: Math.floor(at / 2), parts }
    hear(actor, await client.ok(`SELECT ${box.nameFor(user)}`), true)
    actors.push(actor)
  }
  return actors
}

/** Does one thing, and has the model do it when the server said that it was done. */
async function act(actor: Actor, below: (limit: number) => number): Promise<void> {
  const { client, box, other, user } = actor
  const rights = rightsOf(box, user)
  const own = [...box.messages.keys()].filter((uid) => uid % actor.parts === actor.part)
  const chosen = own.filter(() => below(2) === 0).slice(0, 5)
  const flags = FLAGS.filter(() => below(2) === 0)
  const say = async (command: string, mayDo: boolean, canExpunge = true): Promise<string | undefined> => {
    const lines = await client.command(command)
    const last = lines.pop() as string
    expect(last, `${user}: ${command}`).toMatch(mayDo ? / OK / : / NO \[(NOPERM|READ-ONLY)\]/)
    hear(actor, lines, canExpunge)
    return mayDo ? [...lines, last].join('\n') : undefined
  }
  const kind = below(8)
  if (kind < 2) {
    const text = sortedFlags(flags)
    const may = rightsOf(box, user).includes('i')
    const done = await say(`APPEND ${box.nameFor(user)} (${text}) {5+}\r\nA: b\n`, may)
    if (done !== undefined) box.messages.set(Number(/APPENDUID \d+ (\d+)/.exec(done)?.[1]), permitted(box, user, flags))
    return
  }
  if (chosen.length === 0 || kind === 7) {
    await say(['NOOP', 'UID SEARCH ALL', 'UID FETCH 1:* (FLAGS)'][below(3)] as string, true)
    return
  }
  const set = chosen.join(',')
  if (kind < 5) {
    const sign = ['+', '-', ''][below(3)] as string
    const needed = sign === '' ? FLAGS : flags
    const may = needed.length === 0 ? /[ieswt]/.test(rights) : permitted(box, user, needed).size > 0
    if (!(await say(`UID STORE ${set} ${sign}FLAGS (${flags.join(' ')})`, may))) return
    const changed = permitted(box, user, flags)
    for (const uid of chosen) {
      const now = box.messages.get(uid) as Set<string>
      if (sign === '') for (const flag of permitted(box, user, now)) now.delete(flag)
      for (const flag of changed) {
        if (sign === '-') now.delete(flag)
        else now.add(flag)
      }
    }
  } else if (kind === 5) {
    if (!(await say(`UID EXPUNGE ${set}`, rights.includes('e')))) return
    for (const uid of chosen) if (box.messages.get(uid)?.has('\\Deleted')) box.messages.delete(uid)
  } else {
    const isMove = below(2) === 0
    const may = rightsOf(other, user).includes('i') && (!isMove || (rights.includes('t') && rights.includes('e')))
    const done = await say(`UID ${isMove ? 'MOVE' : 'COPY'} ${set} ${other.nameFor(user)}`, may)
    if (done === undefined) return
    const [, sources = '', copies = ''] = /COPYUID \d+ (\S+) ([\d,:]+)/.exec(done) ?? []
    const [from, to] = [expanded(sources), expanded(copies)]
    expect(from).toEqual(chosen.toSorted((a, b) => a - b))
    from.forEach((uid, at) => {
      other.messages.set(to[at] as number, permitted(other, user, box.messages.get(uid) as Set<string>))
      if (isMove) box.messages.delete(uid)
    })
  }
}

const expanded = (set: string): number[] =>
  set.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map(Number)
    return Array.from({ length: to - from + 1 }, (_, at) => from + at)
  })

/** Everybody's view is the model's. */
async function sync(actors: readonly Actor[]): Promise<void> {
  await Promise.all(
    actors.map(async (actor) => {
      const { client, box } = actor
      hear(actor, await client.ok('NOOP'), true)
      const expected = [...box.messages].toSorted(([a], [b]) => a - b)
      expect(actor.uids).toHaveLength(expected.length)
      // What was told unasked is right already, before anything is asked for.
      for (const uid of actor.uids) {
        const told = uid === undefined ? undefined : actor.flags.get(uid)
        if (told !== undefined) expect(told).toBe(sortedFlags(box.messages.get(uid as number) ?? ['gone']))
      }
      hear(actor, await client.ok('UID FETCH 1:* (FLAGS)'), true)
      expect(actor.uids).toEqual(expected.map(([uid]) => uid))
      expect(actor.uids.map((uid) => actor.flags.get(uid as number))).toEqual(
        expected.map(([, flags]) => sortedFlags(flags)),
      )
    }),
  )
}

it.each([
  { sessions: 2, rounds: 60 },
  { sessions: 10, rounds: 25 },
  { sessions: 50, rounds: 8 },
])(
  `$sessions sessions of three users see what the model says (seed ${SEED})`,
  async ({ sessions, rounds }) => {
    const all = boxes()
    await using world = await worldOf(all)
    const actors = await enter(world, all, sessions)
    const below = random(SEED + sessions)
    for (let round = 1; round <= Number(ROUNDS ?? rounds); round++) {
      await Promise.all(actors.map((actor) => act(actor, below)))
      if (round % 5 === 0) await sync(actors)
    }
    await sync(actors)
    for (const { user, box } of actors.slice(0, 2)) {
      const counted = await (await world.login(user)).ok(`STATUS ${box.nameFor(user)} (MESSAGES DELETED)`)
      const deleted = [...box.messages.values()].filter((flags) => flags.has('\\Deleted')).length
      expect(counted[0]).toContain(`(MESSAGES ${box.messages.size} DELETED ${deleted})`)
    }
  },
  120_000,
)
