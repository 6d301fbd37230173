import assert from 'node:assert/strict'
import type { NewMessage } from '../../store/mail-store.ts'
import { counting } from './engines.ts'
import { fails, inWorld, type MailStoreCase, recordEvents } from './world.ts'

const flagCommits = counting()
const appendCommits = counting()
const COUNT = 60

export const COMMIT_GROUP_CASES: readonly MailStoreCase[] = [
  inWorld(
    'commits changes of flags together that come together, each with its own answer, MODSEQ and event',
    async (world) => {
      const { store, account, inbox } = world
      await world.fill(inbox, 3)
      const feed = await recordEvents(world)
      const before = flagCommits.commits
      const done = await Promise.all(
        Array.from({ length: COUNT }, (_, at) =>
          store.setFlags(account, inbox, [1, 2 + (at % 2)], { mode: at % 3 ? 'add' : 'replace', flags: [`k${at}`] }),
        ),
      )
      assert.ok(flagCommits.commits - before <= 3, `${flagCommits.commits - before} transactions`)
      const modSeqs = done.map(({ changed }) => changed[0]?.modSeq ?? 0n)
      assert.ok(modSeqs.every((modSeq, at) => at === 0 || modSeq > (modSeqs[at - 1] ?? 0n)))
      let flags: string[] = []
      for (const [at, { changed }] of done.entries()) {
        flags = at % 3 ? [...flags, `k${at}`] : [`k${at}`]
        assert.deepEqual(changed[0]?.flags, flags)
      }
      assert.deepEqual((await world.states(inbox))[0]?.flags, flags)
      await feed.settled()
      assert.deepEqual(
        feed.events.map(({ modSeq }) => modSeq),
        modSeqs,
      )
    },
    { engine: flagCommits.wrap },
  ),

  inWorld('fails the change alone that cannot be done, and none that shares its transaction', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 2)
    const many = Array.from({ length: 100 }, (_, at) => `a${at}`)
    const change = (flags: readonly string[]) => store.setFlags(account, inbox, [1, 2], { mode: 'add', flags })
    const results = await Promise.allSettled([
      change(['x']),
      change(many),
      change(many.map((name) => `b${name}`)),
      change(['y']),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    )
    const expected = ['x', ...many, 'y'].sort()
    for (const { flags } of await world.states(inbox)) assert.deepEqual([...flags].sort(), expected)
    const { id } = await store.createMailbox(account, 'gone')
    await store.deleteMailbox(account, 'gone')
    await Promise.all([
      change(['z']),
      fails('MAILBOX_NOT_FOUND', store.setFlags(account, id, [1], { mode: 'add', flags: ['z'] })),
      change(['w']),
    ])
    assert.equal((await store.status(account, inbox)).unseen, 2)
  }),

  inWorld(
    'appends together what comes together, in order, and no more than a quota allows',
    async (world) => {
      const { store, account, inbox } = world
      await store.setQuota(account, { maxMessages: COUNT })
      const messages = await Promise.all(Array.from({ length: COUNT + 5 }, () => world.message()))
      const append = async (message: NewMessage) => (await store.append(account, inbox, [message]))[0]?.uid
      const before = appendCommits.commits
      const first = await Promise.all(messages.slice(0, COUNT - 5).map(append))
      assert.ok(appendCommits.commits - before <= 3, `${appendCommits.commits - before} transactions`)
      const rest = await Promise.allSettled(messages.slice(COUNT - 5).map(append))
      assert.deepEqual(
        rest.map(({ status }) => status),
        [...Array(5).fill('fulfilled'), ...Array(5).fill('rejected')],
      )
      const uids = Array.from({ length: COUNT }, (_, at) => at + 1)
      assert.deepEqual(first, uids.slice(0, COUNT - 5))
      assert.deepEqual(await world.uids(inbox), uids)
      assert.equal((await store.status(account, inbox)).messages, COUNT)
      assert.equal((await store.quota(account)).usedMessages, COUNT)
    },
    { engine: appendCommits.wrap },
  ),
]
