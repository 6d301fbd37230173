import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { collectBlobs } from '../../store/blob-collector.ts'
import type { Engine, Transaction } from '../../store/engine.ts'
import type { MailboxEvent, MailboxId, MessageState } from '../../store/mail-store.ts'
import { delegate } from './engines.ts'
import { Model, type Step, seeded, sortedFlags } from './walk-model.ts'
import { assertMessages, inWorld, type MailStoreCase, newMessage, recordEvents, statesIn, type World } from './world.ts'

const SESSIONS = 50
const STEPS = 20
const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', 'Work', 'Home'] as const
const MODES = ['add', 'remove', 'replace'] as const

/**
 * Notes which step each change belongs to: the order in which they first read inside a transaction is the order of the
 * model. Several may share one.
 */
function orderOfCommits(): {
  wrap(engine: Engine): Engine
  within<T>(step: Step, work: () => Promise<T>): Promise<T>
  readonly order: Step[]
} {
  const current = new AsyncLocalStorage<Step>()
  const order: Step[] = []
  const noted = new Set<Step>()
  const note = () => {
    const step = current.getStore()
    if (step === undefined || noted.has(step)) return
    noted.add(step)
    order.push(step)
  }
  const noting = (tx: Transaction): Transaction => ({
    get(key) {
      note()
      return tx.get(key)
    },
    getMany(keys) {
      note()
      return tx.getMany(keys)
    },
    scan: (range) => tx.scan(range),
    put: (key, value) => tx.put(key, value),
    delete: (key) => tx.delete(key),
    afterCommit: (done) => tx.afterCommit(done),
  })
  return {
    order,
    within: (step, work) => current.run(step, work),
    wrap: (engine) => ({
      ...delegate(engine),
      transact: (scopes, fn) => engine.transact(scopes, (tx) => fn(noting(tx))),
      transactRelaxed: (scopes, fn) => engine.transactRelaxed(scopes, (tx) => fn(noting(tx))),
    }),
  }
}

function randomStep(random: (below: number) => number): Step {
  const uids = Array.from({ length: 1 + random(6) }, () => 1 + random(60))
  const flags = FLAGS.filter(() => random(3) === 0)
  const [from, to] = [random(3), random(3)]
  switch (random(6)) {
    case 0:
    case 1:
      return {
        kind: 'append',
        to,
        message: { flags: new Set(flags), internalDate: random(10 ** 9), size: 1 + random(5000) },
      }
    case 2:
    case 3:
      return { kind: 'flags', in: from, uids, mode: MODES[random(3)] ?? 'add', flags }
    case 4:
      return { kind: 'expunge', in: from, uids: uids.slice(0, 2) }
    default:
      return { kind: random(2) ? 'copy' : 'move', in: from, uids: uids.slice(0, 3), to }
  }
}

async function perform(
  { store, account, blobs }: World,
  mailboxes: readonly MailboxId[],
  step: Step,
): Promise<unknown> {
  const at = (mailbox: number) => mailboxes[mailbox] as MailboxId
  if (step.kind === 'append') {
    const { flags, size, internalDate } = step.message
    const message = newMessage(await blobs.write(Buffer.from('x')), size, [...flags])
    return (await store.append(account, at(step.to), [{ ...message, internalDate }]))[0]?.uid
  }
  if (step.kind === 'flags') {
    const { changed } = await store.setFlags(account, at(step.in), step.uids, { mode: step.mode, flags: step.flags })
    return changed.map(({ uid, flags }) => [uid, ...sortedFlags(flags)])
  }
  if (step.kind === 'expunge') return store.expunge(account, at(step.in), step.uids)
  return (await store[step.kind](account, at(step.in), step.uids, at(step.to))).uids.map((pair) => [...pair])
}

/** The status that the messages themselves add up to. */
function recount(states: readonly MessageState[]) {
  return {
    messages: states.length,
    unseen: states.filter(({ flags }) => !flags.includes('\\Seen')).length,
    deleted: states.filter(({ flags }) => flags.includes('\\Deleted')).length,
    size: states.reduce((sum, { size }) => sum + size, 0),
  }
}

/** What a session knows that only listened. */
function uidsByEvents(events: readonly MailboxEvent[], mailbox: MailboxId): number[] {
  const uids = new Set<number>()
  for (const event of events) {
    if (!('uids' in event) || event.mailbox !== mailbox) continue
    for (const uid of event.uids) {
      if (event.kind === 'expunged') uids.delete(uid)
      else uids.add(uid)
    }
  }
  return [...uids].sort((a, b) => a - b)
}

/** A client that follows a mailbox by `changesSince` alone. */
async function follow(
  world: World,
  mailbox: MailboxId,
  whenDone: Promise<unknown>,
): Promise<Map<number, MessageState>> {
  const view = new Map<number, MessageState>()
  let since = (await world.store.status(world.account, mailbox)).highestModSeq
  let isDone = false
  void whenDone.then(() => {
    isDone = true
  })
  for (let isLast = false; ; isLast = isDone) {
    const changes = await world.store.changesSince(world.account, mailbox, since)
    assert.ok(changes.isComplete)
    for (const uid of changes.vanished) view.delete(uid)
    for (const state of changes.changed) view.set(state.uid, state)
    since = changes.highestModSeq
    if (isLast) return view
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const commits = orderOfCommits()

export const WALK_CASES: readonly MailStoreCase[] = [
  inWorld(
    `ends where a simple model ends after ${SESSIONS} sessions at once have walked at random`,
    async (world) => {
      const { store, account, engine } = world
      const mailboxes = [world.inbox, await world.id('Archive'), await world.id('Sent')]
      const feed = await recordEvents(world)
      const answers = new Map<Step, unknown>()
      commits.order.length = 0
      const session = async (number: number) => {
        const random = seeded(number)
        for (let count = 0; count < STEPS; count++) {
          const step = randomStep(random)
          answers.set(step, await commits.within(step, () => perform(world, mailboxes, step)))
        }
      }
      const walking = Promise.all(Array.from({ length: SESSIONS }, (_, at) => session(at + 1)))
      const followers = Promise.all(mailboxes.map((mailbox) => follow(world, mailbox, walking)))
      await walking
      await feed.settled()

      const model = new Model(mailboxes.length)
      assert.equal(commits.order.length, SESSIONS * STEPS)
      for (const step of commits.order) assert.deepEqual(answers.get(step), model.apply(step), JSON.stringify(step))
      let total = { messages: 0, size: 0 }
      for (const [at, mailbox] of mailboxes.entries()) {
        const states = await world.states(mailbox)
        assert.deepEqual(statesIn(await store.columns(account, mailbox)), states)
        const expected = [...(model.mailboxes[at]?.messages.values() ?? [])]
        assert.deepEqual(
          states.map(({ uid, flags, internalDate, size }) => ({ uid, flags: sortedFlags(flags), internalDate, size })),
          expected.map((message) => ({ ...message, flags: sortedFlags(message.flags) })).map(plain),
        )
        const status = await store.status(account, mailbox)
        const counted = recount(states)
        assert.deepEqual({ ...status, ...counted, recent: states.length }, status)
        assert.deepEqual(
          uidsByEvents(feed.events, mailbox),
          states.map(({ uid }) => uid),
        )
        const followed = [...((await followers)[at]?.values() ?? [])].sort((a, b) => a.uid - b.uid)
        assert.deepEqual(followed, states)
        total = { messages: total.messages + counted.messages, size: total.size + counted.size }
      }
      assert.deepEqual(await store.quota(account), { usedBytes: total.size, usedMessages: total.messages })
      const order = feed.events.map(({ modSeq }) => modSeq)
      assert.ok(
        order.every((modSeq, at) => at === 0 || modSeq > (order[at - 1] ?? 0n)),
        'events are in commit order',
      )

      await assertMessages(world, total.messages)
      await collectBlobs(engine, world.blobs, world.clock.now())
      for (const mailbox of mailboxes) {
        for (const uid of await world.uids(mailbox)) assert.equal((await store.read(account, mailbox, uid)).length, 1)
      }
    },
    { engine: commits.wrap },
  ),
]

const plain = ({
  uid,
  flags,
  internalDate,
  size,
}: {
  uid: number
  flags: string[]
  internalDate: number
  size: number
}) => ({
  uid,
  flags,
  internalDate,
  size,
})
