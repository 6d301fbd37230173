import assert from 'node:assert/strict'
import { collectBlobs } from '../../store/blob-collector.ts'
import type { AccountId } from '../../store/mail-store.ts'
import { assertMessages, countKeys, fails, inWorld, type MailStoreCase, recordEvents } from './world.ts'

export const ACCOUNT_CASES: readonly MailStoreCase[] = [
  inWorld('makes INBOX and the special-use mailboxes with the account (RFC 6154 section 2)', async (world) => {
    const mailboxes = await world.store.mailboxes(world.account)
    assert.deepEqual(
      mailboxes.map(({ name, specialUse }) => [name, specialUse]),
      [
        ['INBOX', undefined],
        ['Archive', 'archive'],
        ['Drafts', 'drafts'],
        ['Junk', 'junk'],
        ['Sent', 'sent'],
        ['Trash', 'trash'],
      ],
    )
    assert.ok(mailboxes.every(({ subscribed }) => subscribed))
    assert.equal(new Set(mailboxes.map(({ id }) => id)).size, 6)
    assert.equal(new Set(mailboxes.map(({ uidValidity }) => uidValidity)).size, 6)
  }),

  inWorld('makes an account once, however often and in parallel it is asked', async ({ store }) => {
    const account = 'twice' as AccountId
    await Promise.all([store.createAccount(account), store.createAccount(account), store.createAccount(account)])
    const first = await store.mailboxes(account)
    await store.deleteMailbox(account, 'Archive')
    await store.createAccount(account)
    assert.equal(first.length, 6)
    assert.equal((await store.mailboxes(account)).length, 5)
  }),

  inWorld('knows nothing of an account that was never made', async ({ store }) => {
    const nobody = 'nobody' as AccountId
    assert.deepEqual(await store.mailboxes(nobody), [])
    await fails('MAILBOX_NOT_FOUND', store.mailbox(nobody, 'INBOX'))
    await fails('MAILBOX_NOT_FOUND', store.createMailbox(nobody, 'x'))
    await fails('MAILBOX_NOT_FOUND', store.setSubscribed(nobody, 'x', true))
    await store.removeAccount(nobody)
    assert.deepEqual(await store.quota(nobody), { usedBytes: 0, usedMessages: 0 })
  }),

  inWorld(
    'leaves nothing of a removed account but its counters, in batches',
    async (world) => {
      const { store, account, engine, blobs, clock } = world
      await world.fill(world.inbox, 25)
      await world.fill(await world.id('Sent'), 3)
      await store.setSubscribed(account, 'elsewhere', true)
      await store.removeAccount(account)
      await assertMessages(world, 0)
      for (const space of ['mail-mailbox', 'mail-subscription', 'mail-counters', 'mail-doomed', 'mail-log']) {
        assert.equal(await countKeys(engine, space), 0, space)
      }
      assert.deepEqual(await store.quota(account), { usedBytes: 0, usedMessages: 0 })
      if (!world.context.mirror) assert.equal(await collectBlobs(engine, blobs, clock.now()), 28)
    },
    { limits: { batch: 4 } },
  ),

  inWorld('uses no mailbox id, UIDVALIDITY or MODSEQ again when a removed account comes back', async (world) => {
    const { store, account } = world
    const before = await store.mailboxes(account)
    const [appended] = await store.append(account, world.inbox, [await world.message()])
    await store.removeAccount(account)
    await store.createAccount(account)
    const after = await store.mailboxes(account)
    const ids = new Set(before.map(({ id }) => id))
    const highest = Math.max(...before.map(({ uidValidity }) => uidValidity))
    assert.equal(after.length, 6)
    assert.ok(after.every(({ id, uidValidity }) => !ids.has(id) && uidValidity > highest))
    const inbox = await store.status(account, await world.id('INBOX'))
    assert.equal(inbox.messages, 0)
    assert.ok(inbox.highestModSeq > (appended?.modSeq ?? 0n))
  }),

  inWorld('tells watchers that the mailboxes of a removed account are gone', async (world) => {
    const feed = await recordEvents(world)
    await world.store.removeAccount(world.account)
    await feed.settled()
    assert.deepEqual(
      feed.events.map(({ kind }) => kind),
      ['mailboxes'],
    )
  }),

  inWorld('keeps limits that come before the account, and takes them away', async ({ store }) => {
    const account = 'limited' as AccountId
    await store.setQuota(account, { maxBytes: 1000, maxMessages: 5 })
    await store.createAccount(account)
    assert.deepEqual(await store.quota(account), { usedBytes: 0, usedMessages: 0, maxBytes: 1000, maxMessages: 5 })
    await store.setQuota(account, { maxBytes: 2000 })
    assert.deepEqual(await store.quota(account), { usedBytes: 0, usedMessages: 0, maxBytes: 2000 })
  }),

  inWorld('counts messages and octets against the quota in their own commit', async (world) => {
    const { store, account, inbox } = world
    const message = await world.message('x'.repeat(100))
    await store.setQuota(account, { maxBytes: 350 })
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => store.append(account, inbox, [message])))
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 3)
    await fails('OVER_QUOTA', store.append(account, inbox, [message]))
    assert.deepEqual(await store.quota(account), { usedBytes: 300, usedMessages: 3, maxBytes: 350 })
    await store.expunge(account, inbox, [1])
    await store.append(account, inbox, [message])
    await store.setQuota(account, { maxMessages: 4 })
    await fails('OVER_QUOTA', store.append(account, inbox, [message, message]))
    assert.deepEqual(await world.uids(inbox), [2, 3, 4])
    await store.append(account, inbox, [message])
  }),

  inWorld('gives the room of a deleted mailbox back at once', async (world) => {
    const { store, account } = world
    const { id } = await store.createMailbox(account, 'x')
    await world.fill(id, 3)
    await world.fill(world.inbox, 1)
    await store.deleteMailbox(account, 'x')
    const { usedMessages, usedBytes } = await store.quota(account)
    assert.equal(usedMessages, 1)
    assert.equal(usedBytes, (await store.status(account, world.inbox)).size)
  }),
]
