import assert from 'node:assert/strict'
import type { AccountId, MailboxId, MetadataOwner } from '../../store/mail-store.ts'
import { METADATA_LIMITS, SERVER_ACCOUNT } from '../../store/mail-store.ts'
import { countKeys, fails, inWorld, type MailStoreCase, recordEvents } from './world.ts'

const bob = 'account-2' as AccountId
const value = (text: string) => Buffer.from(text)

export const METADATA_CASES: readonly MailStoreCase[] = [
  inWorld('keeps annotations of each owner apart, and tells of their changes (RFC 5464)', async (world) => {
    const { store, account, inbox } = world
    const feed = await recordEvents(world)
    await store.setMetadata(account, inbox, [{ owner: 'shared', name: '/Comment', value: value('for all') }])
    await store.setMetadata(account, inbox, [{ owner: bob, name: '/comment', value: value('mine') }])
    await store.setMetadata(account, undefined, [{ owner: account, name: '/vendor/x', value: value('') }])
    assert.deepEqual(await store.metadata(account, inbox, 'shared'), [{ name: '/comment', value: value('for all') }])
    assert.deepEqual(await store.metadata(account, inbox, bob), [{ name: '/comment', value: value('mine') }])
    assert.deepEqual(await store.metadata(account, inbox, account), [])
    assert.deepEqual(await store.metadata(account, undefined, account), [{ name: '/vendor/x', value: value('') }])
    await feed.settled()
    assert.deepEqual(
      feed.events.map((event) => event.kind === 'metadata' && [event.mailbox, event.owner, ...event.entries]),
      [
        [inbox, 'shared', '/comment'],
        [inbox, bob, '/comment'],
        [undefined, account, '/vendor/x'],
      ],
    )
    feed.end()
  }),

  inWorld('changes all annotations or none, within limits', async ({ store, account, inbox }) => {
    const owner = 'shared' as const
    const many = Array.from({ length: METADATA_LIMITS.entries }, (_, at) => ({
      owner,
      name: `/n${at}`,
      value: value('x'),
    }))
    await store.setMetadata(account, inbox, many)
    const more = [
      { owner, name: '/n0', value: value('y') },
      { owner, name: '/more', value: value('x') },
    ]
    await fails('LIMIT_REACHED', store.setMetadata(account, inbox, more))
    const long = { owner, name: '/n1', value: Buffer.alloc(METADATA_LIMITS.bytes + 1) }
    await fails('TOO_LARGE', store.setMetadata(account, inbox, [{ owner, name: '/n0', value: undefined }, long]))
    await fails('MAILBOX_NOT_FOUND', store.setMetadata(account, 'm99' as MailboxId, more))
    const all = await store.metadata(account, inbox, 'shared')
    assert.equal(all.length, METADATA_LIMITS.entries)
    assert.ok(all.every((entry) => entry.value.equals(value('x'))))
    await store.setMetadata(account, inbox, [{ owner, name: '/N0', value: undefined }, ...more.slice(1)])
    assert.equal((await store.metadata(account, inbox, 'shared')).length, METADATA_LIMITS.entries)
  }),

  inWorld('lets annotations follow their mailbox, and go with it', async (world) => {
    const { store, account, inbox, engine } = world
    const note = (owner: MetadataOwner) => [{ owner, name: '/comment', value: value('note') }]
    const told = [{ name: '/comment', value: value('note') }]
    await store.createMailbox(account, 'a')
    await store.setMetadata(account, await world.id('a'), note('shared'))
    await store.renameMailbox(account, 'a', 'b')
    assert.equal((await store.metadata(account, await world.id('b'), 'shared')).length, 1)
    await store.setMetadata(account, inbox, note(bob))
    await store.renameMailbox(account, 'INBOX', 'Old')
    assert.deepEqual(await store.metadata(account, await world.id('Old'), bob), told)
    assert.deepEqual(await store.metadata(account, inbox, bob), told)
    await store.deleteMailbox(account, 'b')
    await store.createMailbox(account, 'b')
    assert.deepEqual(await store.metadata(account, await world.id('b'), 'shared'), [])
    await store.setMetadata(SERVER_ACCOUNT, undefined, note(account))
    await store.removeAccount(account)
    assert.equal(await countKeys(engine, 'mail-metadata'), 0)
  }),
]
