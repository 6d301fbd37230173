import assert from 'node:assert/strict'
import { trimLogs } from '../../store/changes/trim-logs.ts'
import { accountKey } from '../../store/layout.ts'
import { accountScope, type MailboxEvent, type MailboxId } from '../../store/mail-store.ts'
import { slowBus } from './engines.ts'
import { countKeys, fails, inWorld, type MailStoreCase, recordEvents } from './world.ts'

const summary = (event: MailboxEvent) => ('uids' in event ? [event.kind, ...event.uids] : [event.kind])

export const CHANGE_CASES: readonly MailStoreCase[] = [
  inWorld('tells what changed since a MODSEQ, and what vanished (RFC 7162)', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 4)
    const { highestModSeq: since } = await store.status(account, inbox)
    await store.setFlags(account, inbox, [2, 3], { mode: 'add', flags: ['\\Seen'] })
    await world.fill(inbox, 2)
    await store.expunge(account, inbox, [3, 5])
    await world.fill(await world.id('Sent'), 1)
    const changes = await store.changesSince(account, inbox, since)
    const { highestModSeq } = await store.status(account, inbox)
    const states = await world.states(inbox)
    assert.deepEqual(changes, {
      changed: states.filter(({ uid }) => uid === 2 || uid === 6),
      vanished: [3, 5],
      highestModSeq,
      isComplete: true,
    })
    assert.deepEqual(await store.changesSince(account, inbox, highestModSeq), {
      changed: [],
      vanished: [],
      highestModSeq,
      isComplete: true,
    })
    await fails('MAILBOX_NOT_FOUND', store.changesSince(account, 'm99' as MailboxId, since))
  }),

  inWorld('raises the MODSEQ of a mailbox with its own changes alone', async (world) => {
    const { store, account, inbox } = world
    const sent = await world.id('Sent')
    await world.fill(inbox, 1)
    const before = await store.status(account, inbox)
    await world.fill(sent, 1)
    assert.equal((await store.status(account, inbox)).highestModSeq, before.highestModSeq)
    assert.ok((await store.status(account, sent)).highestModSeq > before.highestModSeq)
  }),

  inWorld(
    'says so when its log no longer reaches back, or never reached that far',
    async (world) => {
      const { store, account, inbox } = world
      await world.fill(inbox, 1)
      const { highestModSeq: since } = await store.status(account, inbox)
      for (let round = 0; round < 30; round++) await world.fill(inbox, 1)
      const now = await store.status(account, inbox)
      const tooOld = await store.changesSince(account, inbox, since)
      assert.deepEqual(tooOld, { changed: [], vanished: [], highestModSeq: now.highestModSeq, isComplete: false })
      assert.equal((await store.changesSince(account, inbox, now.highestModSeq + 10n ** 15n)).isComplete, false)
      const [, state] = (await world.states(inbox)).slice(-2)
      const recent = await store.changesSince(account, inbox, (state?.modSeq ?? 0n) - 1n)
      assert.deepEqual([recent.isComplete, recent.changed.map(({ uid }) => uid)], [true, [31]])
    },
    { limits: { logEntries: 20 } },
  ),

  inWorld(
    'bounds the log by its octets as well',
    async (world) => {
      const { store, account, inbox } = world
      await world.fill(inbox, 400)
      const odd = Array.from({ length: 200 }, (_, at) => at * 2 + 1)
      const { highestModSeq: since } = await store.status(account, inbox)
      for (let round = 0; round < 10; round++) {
        await store.setFlags(account, inbox, odd, { mode: round % 2 ? 'remove' : 'add', flags: ['\\Seen'] })
      }
      assert.equal((await store.changesSince(account, inbox, since)).isComplete, false)
    },
    { limits: { logBytes: 2000 } },
  ),

  inWorld('forgets changes that are too old, and lets a client that was away longer know', async (world) => {
    const { store, account, inbox, clock, engine, context } = world
    const old = await world.fill(inbox, 1)
    const { highestModSeq: before } = await store.status(account, inbox)
    for (let round = 0; round < 40; round++) {
      await store.setFlags(account, inbox, old, { mode: 'replace', flags: [`k${round}`] })
    }
    await clock.advance(context.limits.logAgeMs)
    const { highestModSeq: middle } = await store.status(account, inbox)
    assert.equal((await store.changesSince(account, inbox, before)).isComplete, true)
    await clock.advance(1)
    await store.setFlags(account, inbox, old, { mode: 'replace', flags: ['new'] })
    assert.ok((await trimLogs(context)) > 40)
    assert.equal((await store.changesSince(account, inbox, before)).isComplete, false)
    const recent = await store.changesSince(account, inbox, middle)
    assert.deepEqual([recent.isComplete, recent.changed.map(({ flags }) => flags)], [true, [['new']]])
    assert.equal(await countKeys(engine, 'mail-log'), 1)
    assert.equal(await trimLogs(context), 0)
    await store.setFlags(account, inbox, old, { mode: 'replace', flags: [] })
    assert.equal((await store.changesSince(account, inbox, middle)).isComplete, true)
  }),

  inWorld(
    'keeps its log within its bounds, whatever comes at once',
    async (world) => {
      const { store, account, inbox, engine, context } = world
      const uids = await world.fill(inbox, 10)
      for (let round = 0; round < 60; round++) {
        await Promise.all(
          Array.from({ length: 4 }, (_, at) =>
            store.setFlags(account, inbox, uids, { mode: 'replace', flags: [`k${round}.${at}`] }),
          ),
        )
        assert.ok((await countKeys(engine, 'mail-log')) <= 20)
      }
      await trimLogs(context)
      assert.equal(await countKeys(engine, 'mail-log'), 18)
    },
    { limits: { logEntries: 20 } },
  ),

  inWorld('writes down together what is committed together, and tells it from any MODSEQ on', async (world) => {
    const { store, account, inbox, engine } = world
    const uids = await world.fill(inbox, 30)
    await world.fill(await world.id('Archive'), 1)
    const before = await countKeys(engine, 'mail-log')
    const asked = [
      ...uids.map((uid) => store.setFlags(account, inbox, [uid], { mode: 'add', flags: ['\\Flagged'] })),
      store.setFlags(account, await world.id('Archive'), [1], { mode: 'add', flags: ['\\Seen'] }),
    ]
    const modSeqs = (await Promise.all(asked)).map(({ changed }) => changed[0]?.modSeq ?? 0n)
    assert.ok((await countKeys(engine, 'mail-log')) - before < uids.length)
    assert.equal(new Set(modSeqs).size, asked.length)
    for (const [at, since] of modSeqs.entries()) {
      const changes = await store.changesSince(account, inbox, since)
      const told = changes.changed.map(({ uid }) => uid)
      assert.deepEqual([changes.isComplete, told], [true, uids.slice(at + 1)])
    }
  }),

  inWorld('keeps MODSEQ rising over a power failure that took the last flag changes with it', async (world) => {
    const { store, account, inbox, engine, clock } = world
    await world.fill(inbox, 1)
    const durable = await engine.get(accountKey(account))
    await clock.advance(10)
    const { changed } = await store.setFlags(account, inbox, [1], { mode: 'add', flags: ['\\Seen'] })
    assert.ok(durable)
    await engine.transact([accountScope(account)], async (tx) => tx.put(accountKey(account), durable))
    await clock.advance(1)
    const after = await world.restarted().setFlags(account, inbox, [1], { mode: 'add', flags: ['\\Flagged'] })
    assert.ok((after.changed[0]?.modSeq ?? 0n) > (changed[0]?.modSeq ?? 0n))
  }),

  inWorld('publishes every change once, in the order of the commits, with its UIDs', async (world) => {
    const { store, account, inbox } = world
    const feed = await recordEvents(world)
    await world.fill(inbox, 3)
    await store.setFlags(account, inbox, [1, 3], { mode: 'add', flags: ['\\Seen'] })
    await store.setFlags(account, inbox, [1, 3], { mode: 'add', flags: ['\\Seen'] })
    await store.expunge(account, inbox, [2])
    await store.createMailbox(account, 'x')
    await store.setSubscribed(account, 'x', true)
    await store.renameMailbox(account, 'x', 'y')
    await store.deleteMailbox(account, 'y')
    await feed.settled()
    assert.deepEqual(feed.events.map(summary), [
      ['appended', 1, 2, 3],
      ['flags', 1, 3],
      ['expunged', 2],
      ...Array(4).fill(['mailboxes']),
    ])
    const order = feed.events.map(({ modSeq }) => modSeq)
    assert.deepEqual(
      order,
      [...new Set(order)].sort((a, b) => (a < b ? -1 : 1)),
    )
    feed.end()
    const later = await recordEvents(world)
    await world.fill(inbox, 1)
    await later.settled()
    assert.deepEqual([feed.events.length, later.events.length], [7, 1])
  }),

  inWorld('publishes nothing of a transaction that fails', async (world) => {
    const { store, account, inbox, engine } = world
    const feed = await recordEvents(world)
    const message = await world.message()
    await assert.rejects(
      engine.transact([accountScope(account)], async (tx) => {
        await store.appendIn(tx, account, inbox, [message])
        throw new Error('no')
      }),
    )
    await feed.settled()
    assert.deepEqual(feed.events, [])
  }),

  inWorld('keeps one watcher’s fault from the others, and ends each by itself', async (world) => {
    const { store, account, inbox } = world
    const heard: string[] = []
    const feed = await recordEvents(world)
    store.watch(account, () => {
      throw new Error('a watcher fails')
    })
    const listener = () => void heard.push('shared')
    const end = store.watch(account, listener)
    store.watch(account, listener)
    await world.fill(inbox, 1)
    await feed.settled()
    assert.equal(heard.length, 2)
    end()
    end()
    await world.fill(inbox, 1)
    await feed.settled()
    assert.equal(heard.length, 3)
    assert.equal(feed.events.length, 2)
  }),

  inWorld('hears what another worker on the same store does', async (world) => {
    const feed = await recordEvents(world)
    await world.restarted().append(world.account, world.inbox, [await world.message()])
    await feed.settled()
    assert.deepEqual(feed.events.map(summary), [['appended', 1]])
  }),

  {
    title: 'delivers in commit order what the bus brings out of order, twice, or not at all',
    async run(open) {
      const bus = slowBus()
      await inWorld(
        '',
        async (world) => {
          const { inbox } = world
          bus.release((waiting) => [...Array(waiting).keys()])
          const feed = await recordEvents(world)
          await world.fill(inbox, 1)
          bus.release(() => [0])
          await feed.settled()
          for (let round = 0; round < 6; round++) await world.fill(inbox, 1)
          bus.release(() => [2, 0, 1, 1, 4, 5, 5])
          await feed.settled()
          assert.deepEqual(
            feed.events.map(summary),
            [1, 2, 3, 4, 5, 6, 7].map((uid) => ['appended', uid]),
          )
        },
        { engine: bus.wrap },
      ).run(open)
    },
  },

  inWorld('delivers changes that are too long for a message of the bus', async (world) => {
    const { store, account, inbox } = world
    const message = await world.message()
    await store.append(account, inbox, Array(5000).fill(message))
    const feed = await recordEvents(world)
    const odd = Array.from({ length: 2500 }, (_, at) => at * 2 + 1)
    await store.setFlags(account, inbox, odd, { mode: 'add', flags: ['\\Seen'] })
    await world.fill(inbox, 1)
    await feed.settled()
    assert.deepEqual(feed.events.map(summary), [
      ['flags', ...odd],
      ['appended', 5001],
    ])
  }),

  {
    title: 'tells this process of its own changes once they are committed',
    async run(open) {
      const told: unknown[] = []
      const onChange = (...change: unknown[]) => void told.push(change)
      await inWorld(
        '',
        async (world) => {
          const { store, account, inbox } = world
          told.length = 0
          await world.fill(inbox, 1)
          await store.setFlags(account, inbox, [1], { mode: 'add', flags: ['\\Seen'] })
          await store.createMailbox(account, 'x')
          assert.deepEqual(told, [
            [account, 'appended', inbox],
            [account, 'flags', inbox],
            [account, 'mailboxes', undefined],
          ])
        },
        { onChange },
      ).run(open)
    },
  },
]
