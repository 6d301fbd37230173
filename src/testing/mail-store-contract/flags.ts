import assert from 'node:assert/strict'
import type { FlagChange } from '../../store/mail-store.ts'
import { fails, inWorld, type MailStoreCase, recordEvents, type World } from './world.ts'

const flagsOf = async (world: World, uid: number) =>
  (await world.states(world.inbox)).find((state) => state.uid === uid)?.flags

const change = (world: World, uids: readonly number[], mode: FlagChange['mode'], ...flags: string[]) =>
  world.store.setFlags(world.account, world.inbox, uids, { mode, flags })

export const FLAG_CASES: readonly MailStoreCase[] = [
  inWorld('adds, removes and replaces flags (RFC 3501 section 6.4.6)', async (world) => {
    await world.fill(world.inbox, 2, ['\\Answered'])
    await change(world, [1], 'add', '\\Seen', 'Work')
    assert.deepEqual(await flagsOf(world, 1), ['\\Seen', '\\Answered', 'Work'])
    await change(world, [1], 'remove', '\\Answered', 'nothing')
    assert.deepEqual(await flagsOf(world, 1), ['\\Seen', 'Work'])
    await change(world, [1], 'replace', '\\Draft', 'Home')
    assert.deepEqual(await flagsOf(world, 1), ['\\Draft', 'Home'])
    await change(world, [1], 'replace')
    assert.deepEqual(await flagsOf(world, 1), [])
    assert.deepEqual(await flagsOf(world, 2), ['\\Answered'])
  }),

  inWorld('compares flags and keywords without case, and keeps the first spelling', async (world) => {
    await world.fill(world.inbox, 1, ['\\SEEN', '$MDNSent', '$mdnsent'])
    assert.deepEqual(await flagsOf(world, 1), ['\\Seen', '$MDNSent'])
    const before = (await world.store.status(world.account, world.inbox)).highestModSeq
    await change(world, [1], 'add', '$mdnSENT', '\\seen')
    await change(world, [1], 'replace', '$mdnsent', '\\seen')
    assert.equal((await world.store.status(world.account, world.inbox)).highestModSeq, before)
    await change(world, [1], 'remove', '$MDNSENT')
    assert.deepEqual(await flagsOf(world, 1), ['\\Seen'])
  }),

  inWorld('lets nobody set \\Recent, and refuses what is no flag', async (world) => {
    await world.fill(world.inbox, 1)
    await change(world, [1], 'add', '\\Recent')
    assert.deepEqual(await flagsOf(world, 1), [])
    for (const flag of ['', ' ', 'a b', 'a(b', 'a"b', '\\Custom', 'a]b', 'a%', 'é', 'a\nb', 'a{1}']) {
      await fails('INVALID', change(world, [1], 'add', flag))
    }
  }),

  inWorld('bounds the keywords of a message', async (world) => {
    await world.fill(
      world.inbox,
      1,
      Array.from({ length: 128 }, (_, at) => `k${at}`),
    )
    await fails('LIMIT_REACHED', change(world, [1], 'add', 'one-more'))
    assert.equal((await flagsOf(world, 1))?.length, 128)
  }),

  inWorld('answers the state of every UID that exists, and touches only what changes', async (world) => {
    await world.fill(world.inbox, 3)
    await change(world, [2], 'add', '\\Seen')
    const before = await world.states(world.inbox)
    const feed = await recordEvents(world)
    const { changed, modified } = await change(world, [3, 99, 1, 2, 1], 'add', '\\Seen')
    await feed.settled()
    assert.deepEqual(modified, [])
    assert.deepEqual(
      changed.map(({ uid, flags }) => [uid, ...flags]),
      [
        [1, '\\Seen'],
        [2, '\\Seen'],
        [3, '\\Seen'],
      ],
    )
    assert.deepEqual(changed, await world.states(world.inbox))
    assert.equal(changed[1]?.modSeq, before[1]?.modSeq)
    assert.ok((changed[0]?.modSeq ?? 0n) > (before[1]?.modSeq ?? 0n))
    assert.equal(changed[0]?.modSeq, changed[2]?.modSeq)
    assert.deepEqual(feed.events, [{ kind: 'flags', mailbox: world.inbox, uids: [1, 3], modSeq: changed[0]?.modSeq }])
  }),

  inWorld('leaves alone what changed since, and names it (RFC 7162 section 3.1.3)', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 3)
    const { highestModSeq: since } = await store.status(account, inbox)
    await change(world, [2], 'add', '\\Flagged')
    const add = { mode: 'add', flags: ['\\Seen'] } as const
    const { changed, modified } = await store.setFlags(account, inbox, [1, 2, 3, 4], add, { unchangedSince: since })
    assert.deepEqual(modified, [2])
    assert.deepEqual(
      changed.map(({ uid }) => uid),
      [1, 3],
    )
    assert.deepEqual(await flagsOf(world, 2), ['\\Flagged'])
    assert.deepEqual((await store.setFlags(account, inbox, [1], add, { unchangedSince: 0n })).modified, [1])
  }),

  inWorld('loses no change when sessions change one message at once', async (world) => {
    await world.fill(world.inbox, 1)
    const words = Array.from({ length: 50 }, (_, at) => `k${at}`)
    await Promise.all(words.map((word) => change(world, [1], 'add', word)))
    assert.deepEqual([...((await flagsOf(world, 1)) ?? [])].sort(), words.sort())
  }),

  inWorld(
    'changes the flags of more messages than one commit takes',
    async (world) => {
      await world.fill(world.inbox, 105)
      const { changed } = await change(world, await world.uids(world.inbox), 'add', '\\Deleted', '\\Seen')
      assert.equal(changed.length, 105)
      const { unseen, deleted } = await world.store.status(world.account, world.inbox)
      assert.deepEqual([unseen, deleted], [0, 105])
      await change(world, [1, 2], 'replace')
      const after = await world.store.status(world.account, world.inbox)
      assert.deepEqual([after.unseen, after.deleted], [2, 103])
    },
    { limits: { batch: 5 } },
  ),
]
