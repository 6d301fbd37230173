import assert from 'node:assert/strict'
import { collectBlobs } from '../../store/blob-collector.ts'
import { linkIn, relinkIn, unlinkIn } from '../../store/blob-links.ts'
import type { BlobRef } from '../../store/blob-store.ts'
import { type AccountId, accountScope } from '../../store/mail-store.ts'
import { countKeys, inWorld, type MailStoreCase, type World } from './world.ts'

const collectNow = ({ engine, blobs, clock }: World) => collectBlobs(engine, blobs, clock.now())
const isGone = ({ released }: World, blob: BlobRef) => assert.ok(released.has(blob), `${blob} was not released`)

export const BLOB_CASES: readonly MailStoreCase[] = [
  inWorld(
    'releases a blob when the last of its messages has been gone for the grace time',
    async (world) => {
      const { store, account, inbox, engine, blobs, clock } = world
      const target = await world.id('Archive')
      const message = await world.message()
      await store.append(account, inbox, [message])
      await store.copy(account, inbox, [1], target)
      await store.expunge(account, inbox, [1])
      await clock.advance(1000)
      assert.equal(await collectNow(world), 0)
      await store.move(account, target, [1], inbox)
      assert.equal(await collectNow(world), 0)
      await store.expunge(account, inbox, [2])
      await clock.advance(1000)
      assert.equal(await collectBlobs(engine, blobs, clock.now() - 1001), 0)
      assert.equal((await blobs.read(message.blob)).length, message.index.size)
      assert.equal(await collectBlobs(engine, blobs, clock.now() - 1000), 1)
      isGone(world, message.blob)
      assert.equal(await countKeys(engine, 'blob-dead'), 0)
      assert.equal(await collectNow(world), 0)
    },
    { withoutMirror: true },
  ),

  inWorld(
    'keeps a blob that another owner needs, such as the queue',
    async (world) => {
      const { store, account, inbox, engine, clock } = world
      const { blob, ...message } = await world.message()
      await engine.transact([accountScope(account)], async (tx) => {
        await store.appendIn(tx, account, inbox, [{ ...message, blob }])
        linkIn(tx, blob, 'queue/1')
      })
      await store.expunge(account, inbox, [1])
      assert.equal(await collectNow(world), 0)
      await engine.transact([], async (tx) => relinkIn(tx, blob, 'queue/1', 'queue/2'))
      assert.equal(await collectNow(world), 0)
      await engine.transact([], async (tx) => unlinkIn(tx, blob, 'queue/2', clock.now()))
      assert.equal(await collectNow(world), 1)
      isGone(world, blob)
    },
    { withoutMirror: true },
  ),

  inWorld(
    'loses no blob to the collector, and leaks none, when two accounts let go at once',
    async (world) => {
      const { store, account, inbox } = world
      const other = 'account-2' as AccountId
      await store.createAccount(other)
      const theirs = (await store.mailbox(other, 'INBOX')).id
      for (let round = 1; round <= 20; round++) {
        const message = await world.message()
        await Promise.all([store.append(account, inbox, [message]), store.append(other, theirs, [message])])
        await Promise.all([
          store.expunge(account, inbox, [round]),
          collectNow(world),
          store.expunge(other, theirs, [round]),
        ])
        await collectNow(world)
        isGone(world, message.blob)
      }
    },
    { withoutMirror: true },
  ),

  inWorld(
    'keeps the blobs of messages that still exist, however many marks there are',
    async (world) => {
      const { store, account, inbox } = world
      const kept = await world.message('kept')
      await store.append(account, inbox, Array(1200).fill(kept))
      await world.fill(inbox, 1)
      await store.expunge(
        account,
        inbox,
        Array.from({ length: 1199 }, (_, at) => at + 1),
      )
      assert.equal(await collectNow(world), 0)
      assert.equal(await countKeys(world.engine, 'blob-dead'), 0)
      assert.equal((await store.read(account, inbox, 1200)).toString(), 'kept')
      await store.expunge(account, inbox, [1200])
      assert.equal(await collectNow(world), 1)
      assert.deepEqual(await world.uids(inbox), [1201])
    },
    { withoutMirror: true },
  ),

  inWorld(
    'releases more blobs than one look takes',
    async (world) => {
      await world.fill(world.inbox, 1100)
      await world.store.expunge(world.account, world.inbox, await world.uids(world.inbox))
      assert.equal(await collectNow(world), 1100)
      assert.equal(await countKeys(world.engine, 'blob-dead'), 0)
    },
    { withoutMirror: true },
  ),
]
