import assert from 'node:assert/strict'
import type { AccountId, AclChange } from '../../store/mail-store.ts'
import { rightsOf } from '../../store/sharing/rights.ts'
import { assertMessages, countKeys, fails, inWorld, type MailStoreCase } from './world.ts'

const bob = 'account-2' as AccountId
const carol = 'account-3' as AccountId

const give = (subject: AclChange['subject'], rights: string): AclChange => ({
  subject,
  rights,
  isNegative: false,
  mode: 'replace',
})

export const SHARING_CASES: readonly MailStoreCase[] = [
  inWorld('keeps an access control list with its mailbox (RFC 4314)', async ({ store, account, inbox }) => {
    assert.deepEqual(await store.changeAcl(account, inbox, give(bob, 'wrl')), [
      { subject: bob, isNegative: false, rights: 'lrw' },
    ])
    await store.changeAcl(account, inbox, { ...give(bob, 's'), mode: 'add' })
    await store.changeAcl(account, inbox, { ...give(bob, 'w'), mode: 'remove' })
    await store.changeAcl(account, inbox, give('anyone', 'lp'))
    await store.changeAcl(account, inbox, { ...give(bob, 'p'), isNegative: true })
    const { acl } = await store.mailbox(account, 'INBOX')
    assert.equal(rightsOf(acl, bob), 'lrs')
    assert.equal(rightsOf(acl, carol), 'lp')
    assert.deepEqual((await store.mailboxes(account)).find(({ name }) => name === 'INBOX')?.acl, acl)
    await fails('INVALID', store.changeAcl(account, inbox, give(bob, 'q')))
    await fails('MAILBOX_NOT_FOUND', store.changeAcl(account, 'm99' as typeof inbox, give(bob, 'l')))
  }),

  inWorld('knows who shares with whom, and forgets it with the entry or the mailbox', async (world) => {
    const { store, account, inbox, engine } = world
    await store.createAccount(bob)
    await store.createMailbox(account, 'Team')
    const team = await world.id('Team')
    assert.deepEqual(await store.sharers(bob), [])
    await store.changeAcl(account, inbox, give(bob, 'lr'))
    await store.changeAcl(account, team, give('anyone', 'l'))
    assert.deepEqual(await store.sharers(bob), [account])
    assert.deepEqual(await store.sharers(carol), [account])
    assert.deepEqual(await store.sharers(account), [])
    await store.changeAcl(account, inbox, give(bob, ''))
    assert.equal((await store.mailbox(account, 'INBOX')).acl, undefined)
    await store.deleteMailbox(account, 'Team')
    assert.deepEqual(await store.sharers(bob), [])
    await store.changeAcl(account, inbox, give(bob, 'lr'))
    await store.changeAcl(account, inbox, { ...give(carol, 'l'), isNegative: true })
    assert.deepEqual(await store.sharers(carol), [])
    await store.removeAccount(account)
    assert.deepEqual(await store.sharers(bob), [])
    assert.equal(await countKeys(engine, 'mail-grant'), 0)
  }),

  inWorld('gives a new mailbox the list of the one above it, and a renamed one keeps its own', async (world) => {
    const { store, account } = world
    await store.createMailbox(account, 'Team')
    await store.changeAcl(account, await world.id('Team'), give(bob, 'lr'))
    await store.createMailbox(account, 'Team/a/b')
    for (const name of ['Team/a', 'Team/a/b']) {
      assert.equal(rightsOf((await store.mailbox(account, name)).acl, bob), 'lr', name)
    }
    await store.renameMailbox(account, 'Team/a', 'Elsewhere')
    assert.equal(rightsOf((await store.mailbox(account, 'Elsewhere/b')).acl, bob), 'lr')
    await store.deleteMailbox(account, 'Team')
    assert.deepEqual(await store.sharers(bob), [account])
  }),

  inWorld('copies and moves to another account, whose quota pays', async (world) => {
    const { store, account, inbox } = world
    await store.createAccount(bob)
    const there = (await store.mailbox(bob, 'Archive')).id
    await world.fill(inbox, 4, ['\\Seen', '\\Deleted', '\\Flagged', 'Kept'])
    const copied = await store.copy(account, inbox, [1, 2], there, {
      account: bob,
      keep: { seen: true, deleted: false, others: false },
    })
    assert.deepEqual(copied.uids, [
      [1, 1],
      [2, 2],
    ])
    assert.deepEqual(
      (await store.records(bob, there, [1, 2])).map(({ flags }) => flags),
      [['\\Seen'], ['\\Seen']],
    )
    assert.equal((await store.status(bob, there)).deleted, 0)
    const moved = await store.move(account, inbox, [3], there, { account: bob })
    assert.deepEqual(moved.uids, [[3, 3]])
    assert.deepEqual(await world.uids(inbox), [1, 2, 4])
    assert.equal((await store.read(bob, there, 3)).toString(), (await store.read(account, inbox, 4)).toString())
    const [mine, theirs] = [await store.quota(account), await store.quota(bob)]
    assert.deepEqual([mine.usedMessages, theirs.usedMessages], [3, 3])
    assert.equal(mine.usedBytes, theirs.usedBytes)
    await store.setQuota(bob, { maxMessages: 3 })
    await fails('OVER_QUOTA', store.copy(account, inbox, [1], there, { account: bob }))
    await fails('OVER_QUOTA', store.move(account, inbox, [1], there, { account: bob }))
    assert.deepEqual(await world.uids(inbox), [1, 2, 4])
  }),

  inWorld('leaves nothing of a moved message behind', async (world) => {
    const { store, account, inbox } = world
    await store.createAccount(bob)
    await world.fill(inbox, 2)
    await store.move(account, inbox, [1, 2], (await store.mailbox(bob, 'INBOX')).id, { account: bob })
    await assertMessages(world, 2)
    assert.equal((await store.quota(account)).usedMessages, 0)
  }),

  inWorld('changes only the flags that it may (RFC 4314 section 4)', async (world) => {
    const { store, account, inbox } = world
    await world.fill(inbox, 1, ['\\Seen', '\\Flagged', 'Kept'])
    const only = { seen: false, deleted: true, others: false }
    await store.setFlags(account, inbox, [1], { mode: 'replace', flags: ['\\Deleted', 'New'] }, { only })
    const [message] = await store.records(account, inbox, [1])
    assert.deepEqual(message?.flags, ['\\Seen', '\\Flagged', '\\Deleted', 'Kept'])
    const { deleted, unseen } = await store.status(account, inbox)
    assert.deepEqual([deleted, unseen], [1, 0])
  }),
]
