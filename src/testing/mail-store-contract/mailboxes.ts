import assert from 'node:assert/strict'
import { collectBlobs } from '../../store/blob-collector.ts'
import { sweepAll } from '../../store/mailboxes/sweep.ts'
import { failingAfter } from './engines.ts'
import { assertMessages, countKeys, fails, inWorld, type MailStoreCase, type World } from './world.ts'

const names = async ({ store, account }: World) => (await store.mailboxes(account)).map(({ name }) => name)
const own = async (world: World) =>
  (await names(world)).filter((name) => !['INBOX', 'Archive', 'Drafts', 'Junk', 'Sent', 'Trash'].includes(name))

const IMPOSSIBLE = [
  '',
  '/',
  'a//b',
  '/a',
  'a\u0000b',
  'a\r\nb',
  'a\u007f',
  'a\u0085',
  'a\u2028b',
  '\ud800',
  '..',
  'a/../b',
  './a',
]

export const MAILBOX_CASES: readonly MailStoreCase[] = [
  inWorld('knows INBOX in any case, as a name and as the first level (RFC 3501 section 5.1)', async (world) => {
    const { store, account } = world
    assert.equal((await store.mailbox(account, 'iNbOx')).id, world.inbox)
    await fails('MAILBOX_EXISTS', store.createMailbox(account, 'Inbox'))
    assert.equal((await store.createMailbox(account, 'inbox/x')).name, 'INBOX/x')
    assert.equal((await store.mailbox(account, 'Inbox/x')).name, 'INBOX/x')
    await fails('MAILBOX_NOT_FOUND', store.mailbox(account, 'INBOX/X'))
    assert.equal((await store.createMailbox(account, 'inboxes')).name, 'inboxes')
  }),

  inWorld('refuses names that cannot be', async ({ store, account }) => {
    for (const name of IMPOSSIBLE) {
      await fails('INVALID', store.createMailbox(account, name))
      await fails('INVALID', store.renameMailbox(account, 'Sent', name))
      await fails('INVALID', store.setSubscribed(account, name, true))
      await store.setSubscribed(account, name, false)
      await fails('MAILBOX_NOT_FOUND', store.mailbox(account, name))
      await fails('MAILBOX_NOT_FOUND', store.deleteMailbox(account, name))
    }
    assert.equal((await store.mailboxes(account)).length, 6)
  }),

  inWorld(
    'bounds the length and depth of names and the number of mailboxes',
    async ({ store, account }) => {
      await fails('LIMIT_REACHED', store.createMailbox(account, 'x'.repeat(256)))
      await fails('LIMIT_REACHED', store.createMailbox(account, 'é'.repeat(128)))
      await fails('LIMIT_REACHED', store.createMailbox(account, Array(33).fill('x').join('/')))
      await fails('LIMIT_REACHED', store.createMailbox(account, Array(6).fill('x'.repeat(200)).join('/')))
      await store.createMailbox(account, 'x'.repeat(255))
      await store.createMailbox(account, 'a/b/c')
      await fails('LIMIT_REACHED', store.createMailbox(account, 'one more'))
      await fails('LIMIT_REACHED', store.renameMailbox(account, 'Sent', 'p/q'))
      assert.equal((await store.mailboxes(account)).length, 10)
    },
    { limits: { mailboxes: 10 } },
  ),

  inWorld('takes two spellings of one Unicode name as one (RFC 9051 section 5.1)', async ({ store, account }) => {
    const { id, name } = await store.createMailbox(account, 'Entwu\u0308rfe')
    assert.equal(name, 'Entw\u00fcrfe')
    assert.equal((await store.mailbox(account, 'Entw\u00fcrfe')).id, id)
    await fails('MAILBOX_EXISTS', store.createMailbox(account, 'Entw\u00fcrfe'))
  }),

  inWorld('makes missing parents, and ignores a separator at the end (RFC 3501 section 6.3.3)', async (world) => {
    const { store, account } = world
    await store.createMailbox(account, 'a/b/c/')
    assert.deepEqual(await own(world), ['a', 'a/b', 'a/b/c'])
    await fails('MAILBOX_EXISTS', store.createMailbox(account, 'a/b/'))
    await store.createMailbox(account, 'a/d', { specialUse: 'archive' })
    assert.equal((await store.mailbox(account, 'a/d')).specialUse, 'archive')
  }),

  inWorld('makes one of several mailboxes of one name that are asked for at once', async (world) => {
    const { store, account } = world
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => store.createMailbox(account, 'p/q')))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.deepEqual(await own(world), ['p', 'p/q'])
  }),

  inWorld('never deletes INBOX, and leaves children where they are (RFC 3501 section 6.3.4)', async (world) => {
    const { store, account } = world
    await fails('NOT_ALLOWED', store.deleteMailbox(account, 'inbox'))
    await store.createMailbox(account, 'a/b')
    await store.deleteMailbox(account, 'a')
    await fails('MAILBOX_NOT_FOUND', store.deleteMailbox(account, 'a'))
    assert.deepEqual(await own(world), ['a/b'])
  }),

  inWorld(
    'takes the messages of a deleted mailbox with it, and no operation reaches them',
    async (world) => {
      const { store, account, engine, blobs, clock } = world
      const { id } = await store.createMailbox(account, 'x')
      await world.fill(id, 25)
      await store.deleteMailbox(account, 'x')
      await fails('MAILBOX_NOT_FOUND', world.states(id))
      await fails('MAILBOX_NOT_FOUND', store.status(account, id))
      await fails('MAILBOX_NOT_FOUND', store.append(account, id, [await world.message()]))
      await fails('MAILBOX_NOT_FOUND', store.setFlags(account, id, [1], { mode: 'add', flags: ['\\Seen'] }))
      await fails('MAILBOX_NOT_FOUND', store.expunge(account, id, [1]))
      await fails('MAILBOX_NOT_FOUND', store.copy(account, id, [1], world.inbox))
      await fails('MAILBOX_NOT_FOUND', store.move(account, world.inbox, [1], id))
      await fails('NOT_FOUND', store.read(account, id, 1))
      await assertMessages(world, 0)
      if (!world.context.mirror) assert.equal(await collectBlobs(engine, blobs, clock.now()), 25)
    },
    { limits: { batch: 10 } },
  ),

  inWorld(
    'gives a mailbox made again under its old name a greater UIDVALIDITY (RFC 3501 section 2.3.1.1)',
    async (world) => {
      const { store, account } = world
      const seen: number[] = []
      for (let round = 0; round < 4; round++) {
        const { id, uidValidity } = await store.createMailbox(account, 'x')
        const [appended] = await store.append(account, id, [await world.message()])
        assert.equal(appended?.uidValidity, uidValidity)
        assert.equal((await store.status(account, id)).uidValidity, uidValidity)
        assert.ok(seen.every((older) => older < uidValidity))
        seen.push(uidValidity)
        await store.deleteMailbox(account, 'x')
      }
    },
  ),

  {
    title: 'goes on with an interrupted deletion, and leaves no orphan',
    async run(open) {
      const failing = failingAfter()
      await inWorld(
        '',
        async (world) => {
          const { store, account, engine, context } = world
          const { id } = await store.createMailbox(account, 'x')
          await world.fill(id, 30)
          // The commit that deletes and two batches get through; then the store is gone.
          failing.allow(3)
          await store.deleteMailbox(account, 'x')
          failing.allow(Infinity)
          assert.equal(await countKeys(engine, 'mail-copy'), 20)
          assert.equal(await countKeys(engine, 'mail-doomed'), 1)
          await fails('MAILBOX_NOT_FOUND', store.mailbox(account, 'x'))
          await Promise.all([sweepAll(context), sweepAll(context)])
          await assertMessages(world, 0)
          assert.equal(await countKeys(engine, 'mail-doomed'), 0)
        },
        { limits: { batch: 5 }, engine: failing.wrap },
      ).run(open)
    },
  },

  inWorld(
    'renames a mailbox with all below it, and makes the parents of its new name (RFC 3501 section 6.3.5)',
    async (world) => {
      const { store, account } = world
      const { id } = await store.createMailbox(account, 'a/b')
      await store.createMailbox(account, 'a/b/c')
      await store.createMailbox(account, 'ab')
      await world.fill(id, 2)
      await store.renameMailbox(account, 'a', 'p/q')
      assert.deepEqual(await own(world), ['ab', 'p', 'p/q', 'p/q/b', 'p/q/b/c'])
      assert.equal(await world.id('p/q/b'), id)
      assert.deepEqual(await world.uids(id), [1, 2])
      await store.renameMailbox(account, 'Sent', 'Sent mail')
      assert.equal((await store.mailbox(account, 'Sent mail')).specialUse, 'sent')
    },
  ),

  inWorld('renames the children of a name that has no mailbox itself', async (world) => {
    const { store, account } = world
    await store.createMailbox(account, 'a/b')
    await store.deleteMailbox(account, 'a')
    await store.renameMailbox(account, 'a', 'z')
    assert.deepEqual(await own(world), ['z/b'])
  }),

  inWorld('refuses a rename that meets another mailbox or itself, and changes nothing', async (world) => {
    const { store, account } = world
    await store.createMailbox(account, 'a/b')
    await store.createMailbox(account, 'c/b')
    await store.deleteMailbox(account, 'c')
    await fails('MAILBOX_EXISTS', store.renameMailbox(account, 'a', 'Sent'))
    await fails('MAILBOX_EXISTS', store.renameMailbox(account, 'a', 'INBOX'))
    await fails('MAILBOX_EXISTS', store.renameMailbox(account, 'a', 'c'))
    await fails('MAILBOX_EXISTS', store.renameMailbox(account, 'a', 'a'))
    await fails('INVALID', store.renameMailbox(account, 'a', 'a/b/c'))
    await fails('MAILBOX_NOT_FOUND', store.renameMailbox(account, 'nowhere', 'x'))
    await fails('LIMIT_REACHED', store.renameMailbox(account, 'a', Array(32).fill('x').join('/')))
    assert.deepEqual(await own(world), ['a', 'a/b', 'c/b'])
  }),

  inWorld(
    'renames INBOX by moving its messages; INBOX and its children stay (RFC 3501 section 6.3.5)',
    async (world) => {
      const { store, account, inbox } = world
      await store.createMailbox(account, 'INBOX/child')
      await world.fill(inbox, 25, ['\\Flagged', 'Kept'])
      await store.renameMailbox(account, 'inbox', 'old/mail')
      const target = await world.id('old/mail')
      assert.equal(await world.id('INBOX'), inbox)
      assert.deepEqual(await own(world), ['INBOX/child', 'old', 'old/mail'])
      assert.deepEqual(await world.states(inbox), [])
      const moved = await world.states(target)
      assert.equal(moved.length, 25)
      assert.ok(moved.every(({ flags }) => flags.join() === '\\Flagged,Kept'))
      assert.deepEqual(await world.fill(inbox, 1), [26])
    },
    { limits: { indexBatch: 10 } },
  ),

  inWorld('never lets the UIDVALIDITY of a name fall by a rename (RFC 3501 section 2.3.1.1)', async (world) => {
    const { store, account } = world
    const older = await store.createMailbox(account, 'older')
    const newer = await store.createMailbox(account, 'newer')
    await world.fill(older.id, 1)
    await store.deleteMailbox(account, 'newer')
    await store.renameMailbox(account, 'older', 'newer')
    const renamed = await store.mailbox(account, 'newer')
    assert.equal(renamed.id, older.id)
    assert.ok(renamed.uidValidity > newer.uidValidity)
    assert.equal((await store.status(account, older.id)).uidValidity, renamed.uidValidity)
    const [appended] = await store.append(account, older.id, [await world.message()])
    assert.deepEqual([appended?.uid, appended?.uidValidity], [2, renamed.uidValidity])
  }),

  inWorld('keeps UIDVALIDITY when nothing forbids it', async ({ store, account }) => {
    const { uidValidity } = await store.createMailbox(account, 'a')
    await store.renameMailbox(account, 'a', 'b')
    assert.equal((await store.mailbox(account, 'b')).uidValidity, uidValidity)
  }),

  inWorld(
    'keeps subscriptions whatever becomes of the mailbox (RFC 3501 sections 6.3.6, 6.3.9)',
    async ({ store, account }) => {
      for (const { name } of await store.mailboxes(account)) await store.setSubscribed(account, name, false)
      await store.createMailbox(account, 'a')
      assert.equal((await store.mailbox(account, 'a')).subscribed, false)
      await store.setSubscribed(account, 'a', true)
      await store.setSubscribed(account, 'inbox', true)
      await store.setSubscribed(account, 'nowhere/at all', true)
      await store.setSubscribed(account, 'nowhere/at all', true)
      assert.equal((await store.mailbox(account, 'a')).subscribed, true)
      await store.deleteMailbox(account, 'a')
      assert.deepEqual(await store.subscriptions(account), ['INBOX', 'a', 'nowhere/at all'])
      assert.equal((await store.createMailbox(account, 'a')).subscribed, true)
      await store.renameMailbox(account, 'a', 'b')
      assert.equal((await store.mailbox(account, 'b')).subscribed, true)
      assert.deepEqual(await store.subscriptions(account), ['INBOX', 'a', 'b', 'nowhere/at all'])
      await store.setSubscribed(account, 'a', false)
      assert.deepEqual(await store.subscriptions(account), ['INBOX', 'b', 'nowhere/at all'])
    },
  ),

  inWorld(
    'bounds the number of subscriptions',
    async ({ store, account }) => {
      await store.setSubscribed(account, 'seven', true)
      await fails('LIMIT_REACHED', store.setSubscribed(account, 'eight', true))
      await store.setSubscribed(account, 'seven', true)
    },
    { limits: { subscriptions: 7 } },
  ),
]
