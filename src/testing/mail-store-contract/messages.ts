import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import type { MessageIndex } from '../../mail/message-index.ts'
import type { BlobRef, BlobStore } from '../../store/blob-store.ts'
import { countersKey } from '../../store/layout.ts'
import { accountScope, type MailboxId } from '../../store/mail-store.ts'
import { decodeCounters, encodeCounters } from '../../store/records/mailbox-counters.ts'
import { mailboxNumber } from '../../store/records/mailbox-record.ts'
import { assertMessages, collect, fails, indexOf, inWorld, type MailStoreCase, statesIn } from './world.ts'

const unreadable = (blobs: BlobStore): BlobStore => ({
  writer: () => blobs.writer(),
  write: (bytes) => blobs.write(bytes),
  read: () => assert.fail('a blob was read'),
  readMany: () => assert.fail('a blob was read'),
  readRanges: () => assert.fail('a blob was read'),
  stream: () => assert.fail('a blob was read'),
  durable: (ref) => blobs.durable(ref),
  release: (ref) => blobs.release(ref),
})

export const MESSAGE_CASES: readonly MailStoreCase[] = [
  inWorld('gives back all that was put in', async (world) => {
    const { store, account, inbox, clock } = world
    const message = await world.message('Subject: x\r\n\r\nhello\r\n', ['\\Seen', '\\flagged', '$Forwarded'])
    await clock.advance(5_000)
    const [appended] = await store.append(account, inbox, [message])
    assert.deepEqual(appended, {
      uid: 1,
      uidValidity: (await store.mailbox(account, 'INBOX')).uidValidity,
      modSeq: (await store.status(account, inbox)).highestModSeq,
    })
    const state = {
      uid: 1,
      flags: ['\\Seen', '\\Flagged', '$Forwarded'],
      modSeq: appended?.modSeq,
      internalDate: message.internalDate,
      size: 21,
    }
    assert.deepEqual(await world.states(inbox), [state])
    const [record, ...others] = await store.records(account, inbox, [1])
    assert.deepEqual(others, [])
    assert.match(record?.emailId ?? '', /^[A-Za-z0-9_-]{1,255}$/)
    assert.deepEqual(record, { ...state, blob: record?.blob, emailId: record?.emailId, savedAt: clock.now() })
    assert.equal((await world.blobs.read(record?.blob as BlobRef)).length, 21)
    const [[uid, index] = []] = await collect(store.indexes(account, inbox, [1]))
    assert.equal(uid, 1)
    const expected = indexOf(21)
    for (const field of Object.keys(expected) as (keyof MessageIndex)[])
      assert.deepEqual(index?.[field], expected[field])
    assert.equal((await store.read(account, inbox, 1)).toString(), 'Subject: x\r\n\r\nhello\r\n')
    assert.equal((await store.read(account, inbox, 1, { start: 9, end: 10 })).toString(), 'x')
    assert.equal(await text(await store.stream(account, inbox, 1, { start: 14 })), 'hello\r\n')
  }),

  inWorld(
    'answers ENVELOPE and SELECT without a blob',
    async (world) => {
      const { store, account, inbox } = world
      await world.fill(inbox, 10)
      assert.equal((await world.states(inbox)).length, 10)
      assert.equal((await store.records(account, inbox, [1, 5])).length, 2)
      assert.equal((await collect(store.indexes(account, inbox, [1, 2, 3]))).length, 3)
    },
    { blobs: unreadable },
  ),

  inWorld('gives rising UIDs and one MODSEQ to messages that come together', async (world) => {
    const { store, account, inbox } = world
    const message = await world.message()
    const appended = await store.append(account, inbox, [message, message, message])
    assert.deepEqual(
      appended.map(({ uid }) => uid),
      [1, 2, 3],
    )
    assert.equal(new Set(appended.map(({ modSeq }) => modSeq)).size, 1)
    assert.deepEqual(await store.append(account, inbox, []), [])
    const [next] = await store.append(account, inbox, [message])
    assert.ok((next?.modSeq ?? 0n) > (appended[0]?.modSeq ?? 0n))
  }),

  inWorld(
    'never gives a UID twice, not after expunge nor in a new process (RFC 3501 section 2.3.1.1)',
    async (world) => {
      const { store, account, inbox } = world
      await world.fill(inbox, 3)
      await store.expunge(account, inbox, [2, 3])
      assert.deepEqual(await world.fill(inbox, 1), [4])
      await store.expunge(account, inbox, [1, 4])
      const [appended] = await world.restarted().append(account, inbox, [await world.message()])
      assert.equal(appended?.uid, 5)
    },
  ),

  inWorld('appends all or none', async (world) => {
    const { store, account, inbox } = world
    const good = await world.message()
    await fails('INVALID', store.append(account, inbox, [good, { ...good, flags: ['\\Nonsense'] }]))
    await fails('INVALID', store.append(account, inbox, [good, { ...good, flags: ['two words'] }]))
    await fails('LIMIT_REACHED', store.append(account, inbox, [{ ...good, flags: ['x'.repeat(129)] }]))
    const many = Array.from({ length: 129 }, (_, at) => `k${at}`)
    await fails('LIMIT_REACHED', store.append(account, inbox, [{ ...good, flags: many }]))
    await fails('MAILBOX_NOT_FOUND', store.append(account, 'm99' as MailboxId, [good]))
    await fails('MAILBOX_NOT_FOUND', store.append(account, '../m1' as MailboxId, [good]))
    await assertMessages(world, 0)
  }),

  inWorld('writes nothing when the transaction of the caller fails', async (world) => {
    const { store, account, inbox, engine } = world
    const message = await world.message()
    const before = await store.status(account, inbox)
    await assert.rejects(
      engine.transact([accountScope(account)], async (tx) => {
        assert.equal((await store.appendIn(tx, account, inbox, [message]))[0]?.uid, 1)
        assert.equal((await store.appendIn(tx, account, inbox, [message]))[0]?.uid, 2)
        throw new Error('the caller gives up')
      }),
      /gives up/,
    )
    assert.deepEqual(await store.status(account, inbox), before)
    await assertMessages(world, 0)
  }),

  inWorld('leaves a caller’s transaction clean when a quota refuses', async (world) => {
    const { store, account, inbox, engine } = world
    await store.setQuota(account, { maxMessages: 1 })
    const message = await world.message()
    await engine.transact([accountScope(account)], async (tx) => {
      await fails('OVER_QUOTA', store.appendIn(tx, account, inbox, [message, message]))
      await store.appendIn(tx, account, inbox, [message])
    })
    assert.deepEqual(await world.uids(inbox), [1])
    assert.equal((await store.quota(account)).usedMessages, 1)
  }),

  inWorld('scans a large mailbox in UID order and in batches', async (world) => {
    const { store, account, inbox } = world
    const message = await world.message()
    await store.append(account, inbox, Array(3000).fill(message))
    let batches = 0
    for await (const batch of store.states(account, inbox)) batches += batch.length > 0 ? 1 : 0
    assert.ok(batches > 1)
    assert.deepEqual(
      await world.uids(inbox),
      Array.from({ length: 3000 }, (_, at) => at + 1),
    )
  }),

  inWorld('gives a mailbox in columns that say what its states say', async (world) => {
    const { store, account, inbox } = world
    assert.equal((await store.columns(account, inbox)).count, 0)
    const uids = await world.fill(inbox, 200, ['\\Seen', 'Work'])
    await store.setFlags(account, inbox, uids.slice(40, 90), { mode: 'add', flags: ['\\Flagged', 'Home'] })
    await store.setFlags(account, inbox, uids.slice(60, 70), { mode: 'replace', flags: [] })
    await store.expunge(account, inbox, [...uids.slice(0, 33), 100, 101, 200])
    assert.deepEqual(statesIn(await store.columns(account, inbox)), await world.states(inbox))
    await fails('MAILBOX_NOT_FOUND', store.columns(account, 'm99' as MailboxId))
  }),

  inWorld(
    'gives records in ascending order and indexes in the order asked, without those that are gone',
    async (world) => {
      const { store, account, inbox } = world
      await world.fill(inbox, 5)
      await store.expunge(account, inbox, [2])
      const asked = [5, 2, 99, 1, 3]
      assert.deepEqual(
        (await store.records(account, inbox, [...asked, 0, -1, 1.5])).map(({ uid }) => uid),
        [1, 3, 5],
      )
      assert.deepEqual(
        (await collect(store.indexes(account, inbox, asked))).map(([uid]) => uid),
        [5, 1, 3],
      )
      await fails('NOT_FOUND', store.read(account, inbox, 2))
      await fails('NOT_FOUND', store.stream(account, inbox, 2))
      await fails('NOT_FOUND', store.read(account, inbox, 0))
      await fails('NOT_FOUND', store.read(account, inbox, 2 ** 40))
    },
  ),

  inWorld(
    'expunges what exists, whatever its flags, in batches',
    async (world) => {
      const { store, account, inbox } = world
      await world.fill(inbox, 25)
      assert.deepEqual(await store.expunge(account, inbox, [99, 3, 2, 3]), [2, 3])
      assert.deepEqual(await store.expunge(account, inbox, [2, 3]), [])
      const rest = await world.uids(inbox)
      assert.deepEqual(await store.expunge(account, inbox, rest), rest)
      assert.deepEqual(await world.uids(inbox), [])
      const { messages, size, unseen, recent, uidNext } = await store.status(account, inbox)
      assert.deepEqual(
        { messages, size, unseen, recent, uidNext },
        { messages: 0, size: 0, unseen: 0, recent: 0, uidNext: 26 },
      )
    },
    { limits: { batch: 10 } },
  ),

  inWorld('hands recent messages to one session alone (RFC 3501 section 2.3.2)', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 2)
    const ask = (take: boolean) => store.firstRecentUid(account, inbox, { take })
    assert.equal(await ask(false), 1)
    assert.equal((await store.status(account, inbox)).recent, 2)
    assert.equal(await ask(true), 1)
    assert.equal(await ask(true), 3)
    assert.equal((await store.status(account, inbox)).recent, 0)
    await world.fill(inbox, 2)
    await store.expunge(account, inbox, [1, 3])
    assert.equal((await store.status(account, inbox)).recent, 1)
    const taken = await Promise.all([ask(true), ask(true), ask(true)])
    assert.deepEqual(taken.sort(), [3, 5, 5])
  }),

  inWorld('takes no message when the UIDs of a mailbox are used up, and wraps none around', async (world) => {
    const { store, account, inbox, engine } = world
    const at = countersKey(account, mailboxNumber(inbox))
    const counters = decodeCounters((await engine.get(at)) ?? Buffer.alloc(0))
    await engine.transact([accountScope(account)], async (tx) =>
      tx.put(at, encodeCounters({ ...counters, lastUid: 0xffff_fffd })),
    )
    assert.deepEqual(await world.fill(inbox, 1), [0xffff_fffe])
    await fails('LIMIT_REACHED', world.fill(inbox, 1))
    await fails('LIMIT_REACHED', store.copy(account, inbox, [0xffff_fffe], inbox))
    assert.equal((await store.status(account, inbox)).uidNext, 0xffff_ffff)
    assert.deepEqual(await world.uids(inbox), [0xffff_fffe])
    assert.equal((await store.quota(account)).usedMessages, 1)
  }),
]
