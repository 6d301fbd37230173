import assert from 'node:assert/strict'
import { createMailStore } from '../../store/create-mail-store.ts'
import { accountScope, type MailboxId, type MessageState } from '../../store/mail-store.ts'
import { failingAfter, readingThrough } from './engines.ts'
import { assertMessages, fails, inWorld, type MailStoreCase, recordEvents } from './world.ts'

const missing = 'm99' as MailboxId

async function countStates(states: AsyncIterable<readonly MessageState[]>): Promise<number> {
  let count = 0
  for await (const batch of states) count += batch.length
  return count
}

export const COPY_CASES: readonly MailStoreCase[] = [
  inWorld('copies with flags and INTERNALDATE, in ascending order (RFC 3501 section 6.4.7)', async (world) => {
    const { store, account, inbox } = world
    const target = await world.id('Archive')
    await world.fill(target, 1)
    await world.fill(inbox, 3, ['\\Seen', 'Kept'])
    const { uids, uidValidity } = await store.copy(account, inbox, [3, 1, 77], target)
    assert.deepEqual(uids, [
      [1, 2],
      [3, 3],
    ])
    assert.equal(uidValidity, (await store.mailbox(account, 'Archive')).uidValidity)
    const sources = await store.records(account, inbox, [1, 3])
    const copies = await store.records(account, target, [2, 3])
    assert.deepEqual(
      copies.map(({ flags, internalDate, size, emailId }) => ({ flags, internalDate, size, emailId })),
      sources.map(({ flags, internalDate, size, emailId }) => ({ flags, internalDate, size, emailId })),
    )
    // One blob serves both; a mirror has a name for each.
    if (!world.context.mirror)
      assert.deepEqual(
        copies.map(({ blob }) => blob),
        sources.map(({ blob }) => blob),
      )
    assert.equal((await store.read(account, target, 2)).toString(), (await store.read(account, inbox, 1)).toString())
    assert.equal((await store.quota(account)).usedMessages, 6)
    assert.equal((await store.status(account, target)).recent, 3)
  }),

  inWorld('replaces a message in one commit, also where there is room for one alone (RFC 8508)', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 2)
    await store.setQuota(account, { maxMessages: 2 })
    const recorded = await recordEvents(world)
    const replaced = await store.replace(account, inbox, 1, { account, mailbox: inbox }, await world.message('new'))
    assert.equal(replaced.uid, 3)
    await recorded.settled()
    recorded.end()
    assert.deepEqual(await world.uids(inbox), [2, 3])
    assert.deepEqual(recorded.events.map(({ kind }) => kind).sort(), ['appended', 'expunged'])
    const archive = await world.id('Archive')
    await store.replace(account, inbox, 2, { account, mailbox: archive }, await world.message('other'))
    assert.deepEqual([await world.uids(inbox), await world.uids(archive)], [[3], [1]])
    await fails('NOT_FOUND', store.replace(account, inbox, 2, { account, mailbox: inbox }, await world.message('late')))
    assert.equal((await store.quota(account)).usedMessages, 2)
  }),

  inWorld('copies within one mailbox', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 2)
    assert.deepEqual((await store.copy(account, inbox, [1, 2], inbox)).uids, [
      [1, 3],
      [2, 4],
    ])
    assert.deepEqual(await world.uids(inbox), [1, 2, 3, 4])
  }),

  inWorld('copies nothing to or from a mailbox that is not there, and nothing of nothing', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 1)
    await fails('MAILBOX_NOT_FOUND', store.copy(account, inbox, [1], missing))
    await fails('MAILBOX_NOT_FOUND', store.copy(account, missing, [1], inbox))
    await fails('MAILBOX_NOT_FOUND', store.move(account, inbox, [1], missing))
    await fails('MAILBOX_NOT_FOUND', store.move(account, missing, [], inbox))
    const nothing = await store.copy(account, inbox, [5], await world.id('Sent'))
    assert.deepEqual(nothing.uids, [])
    assert.ok(nothing.uidValidity > 0)
    assert.deepEqual(await world.uids(inbox), [1])
  }),

  inWorld(
    'copies all or none when the quota is too small (RFC 3501 section 6.4.7)',
    async (world) => {
      const { store, account, inbox } = world
      const target = await world.id('Archive')
      await world.fill(inbox, 25)
      await store.setQuota(account, { maxMessages: 45 })
      await fails('OVER_QUOTA', store.copy(account, inbox, await world.uids(inbox), target))
      assert.deepEqual(await world.uids(target), [])
      const { messages, unseen, size, recent } = await store.status(account, target)
      assert.deepEqual([messages, unseen, size, recent], [0, 0, 0, 0])
      assert.equal((await store.quota(account)).usedMessages, 25)
      await assertMessages(world, 25)
    },
    { limits: { indexBatch: 10 } },
  ),

  inWorld('moves in one commit: the message is never in both mailboxes, nor in neither (RFC 6851)', async (world) => {
    const { store, account, inbox } = world
    const target = await world.id('Archive')
    await world.fill(inbox, 20)
    const seen: number[] = []
    let isMoving = true
    const watching = (async () => {
      while (isMoving) {
        // Read inside the account's scope, so that both counts are of one moment.
        await world.engine.transact([accountScope(account)], async (tx) => {
          const inside = createMailStore({ ...world.context, engine: readingThrough(world.engine, tx) })
          const [a, b] = [await inside.status(account, inbox), await inside.status(account, target)]
          seen.push(a.messages + b.messages)
          const counts = await Promise.all(
            [inbox, target].map((mailbox) => countStates(inside.states(account, mailbox))),
          )
          assert.equal((counts[0] as number) + (counts[1] as number), 20)
        })
      }
    })()
    const pairs = (
      await Promise.all(Array.from({ length: 20 }, (_, at) => store.move(account, inbox, [at + 1], target)))
    ).flatMap(({ uids }) => uids)
    isMoving = false
    await watching
    assert.ok(seen.length > 0 && seen.every((count) => count === 20))
    assert.deepEqual(
      pairs.map(([source]) => source),
      Array.from({ length: 20 }, (_, at) => at + 1),
    )
    assert.deepEqual(
      await world.uids(target),
      Array.from({ length: 20 }, (_, at) => at + 1),
    )
    assert.equal((await store.quota(account)).usedMessages, 20)
  }),

  inWorld('tells of a move as an arrival and an expunge', async (world) => {
    const { store, account, inbox } = world
    const target = await world.id('Archive')
    await world.fill(inbox, 2, ['\\Seen'])
    const feed = await recordEvents(world)
    await store.move(account, inbox, [1, 2], target)
    await feed.settled()
    assert.deepEqual(
      feed.events.map((event) => ('uids' in event ? [event.kind, event.mailbox, ...event.uids] : [])),
      [
        ['appended', target, 1, 2],
        ['expunged', inbox, 1, 2],
      ],
    )
    const [first, second] = feed.events
    assert.ok((second?.modSeq ?? 0n) > (first?.modSeq ?? 0n))
    assert.equal((await store.status(account, inbox)).highestModSeq, second?.modSeq)
  }),

  inWorld('moves within one mailbox, whole quota or not: nothing is gained', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 2, ['\\Deleted'])
    await store.setQuota(account, { maxMessages: 2 })
    assert.deepEqual((await store.move(account, inbox, [1, 2], inbox)).uids, [
      [1, 3],
      [2, 4],
    ])
    assert.deepEqual((await store.move(account, inbox, [3], await world.id('Sent'))).uids, [[3, 1]])
    const { messages, deleted, unseen, recent } = await store.status(account, inbox)
    assert.deepEqual([messages, deleted, unseen, recent], [1, 1, 1, 1])
  }),

  {
    title:
      'moves what it can when the store fails on the way: every message is still in one of the two (RFC 6851 section 3.3)',
    async run(open) {
      const failing = failingAfter()
      await inWorld(
        '',
        async (world) => {
          const { store, account, inbox } = world
          const target = await world.id('Archive')
          await world.fill(inbox, 25)
          failing.allow(2)
          await fails('STORE_FULL', store.move(account, inbox, await world.uids(inbox), target))
          failing.allow(Infinity)
          assert.equal((await world.uids(inbox)).length, 5)
          assert.equal((await world.uids(target)).length, 20)
          await store.move(account, inbox, await world.uids(inbox), target)
          assert.equal((await world.uids(target)).length, 25)
        },
        { limits: { indexBatch: 10 }, engine: failing.wrap },
      ).run(open)
    },
  },
]
