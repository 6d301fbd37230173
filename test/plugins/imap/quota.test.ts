import { systemClock } from 'mailserver'
import { expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail, WITH_PUBLIC } from './support/imap-world.ts'
import { idOf } from './support/test-directory.ts'

const ALICES = 'Other Users/alice@example.test'

it('tells what is used and what is allowed (RFC 9208 sections 4.1.1, 4.1.2)', async () => {
  await using world = await imapWorld({ sharing: WITH_PUBLIC })
  await world.store.setQuota(world.account, { maxBytes: 10_000, maxMessages: 5 })
  await world.deliver('INBOX', mail('one', 'x'.repeat(900)))
  await world.share('bob', 'lr')
  await world.share('carol', 'l')
  await dialog(
    world,
    `
    # 2 is bob
    # 3 is carol
    # 4 is admin
    C: G0001 GETQUOTA "alice@example.test"
    S: * QUOTA "alice@example.test" (STORAGE 2 9 MESSAGE 1 5)
    S: G0001 OK Getquota completed
    C: G0002 GETQUOTAROOT INBOX
    S: * QUOTAROOT "INBOX" "alice@example.test"
    S: * QUOTA "alice@example.test" (STORAGE 2 9 MESSAGE 1 5)
    S: G0002 OK Getquotaroot completed
    C: G0003 GETQUOTAROOT "not there"
    S: * QUOTAROOT "not there" "alice@example.test"
    S: * QUOTA "alice@example.test" (STORAGE 2 9 MESSAGE 1 5)
    S: G0003 OK Getquotaroot completed
    C: G0004 GETQUOTA "!partition/sda4"
    S: G0004 NO [NONEXISTENT] There is no such quota root
    C: G0005 GETQUOTA bob@example.test
    S: G0005 NO [NONEXISTENT] There is no such quota root
    C: G0006 GETQUOTA
    S: G0006 BAD Missing argument
    # The root of a shared mailbox is its owner's.
    C2: a GETQUOTAROOT "${ALICES}/INBOX"
    S2: * QUOTAROOT "${ALICES}/INBOX" "alice@example.test"
    S2: * QUOTA "alice@example.test" (STORAGE 2 9 MESSAGE 1 5)
    S2: a OK Getquotaroot completed
    C2: b GETQUOTA alice@example.test
    S2: * QUOTA "alice@example.test" (STORAGE 2 9 MESSAGE 1 5)
    S2: b OK Getquota completed
    C2: c GETQUOTA bob@example.test
    S2: * QUOTA "bob@example.test" ()
    S2: c OK Getquota completed
    C3: a GETQUOTAROOT "${ALICES}/INBOX"
    S3: a NO [NOPERM] You do not have the right
    C3: b GETQUOTA alice@example.test
    S3: b NO [NONEXISTENT] There is no such quota root
    C3: c GETQUOTAROOT "${ALICES}/Sent"
    S3: c NO [NONEXISTENT] There is no such mailbox
    C4: a GETQUOTA alice@example.test
    S4: * QUOTA "alice@example.test" (STORAGE 2 9 MESSAGE 1 5)
    S4: a OK Getquota completed
    `,
  )
})

it('lets administrators set limits, all others discarded (RFC 9208 section 4.1.3)', async () => {
  await using world = await imapWorld({ sharing: WITH_PUBLIC })
  await dialog(
    world,
    `
    # 2 is admin
    C2: S0000 SETQUOTA alice@example.test (STORAGE 111 MESSAGE 1000)
    S2: * QUOTA "alice@example.test" (STORAGE 0 111 MESSAGE 0 1000)
    S2: S0000 OK Setquota completed
    C2: S0001 SETQUOTA alice@example.test (STORAGE 510)
    S2: * QUOTA "alice@example.test" (STORAGE 0 510)
    S2: S0001 OK Setquota completed
    C2: S0002 SETQUOTA alice@example.test (MAILBOX 10)
    S2: S0002 NO [CANNOT] No such resource here
    C2: S0003 SETQUOTA alice@example.test (STORAGE 1 STORAGE 2)
    S2: S0003 BAD Resource stands twice
    C2: S0004 SETQUOTA alice@example.test (STORAGE)
    S2: S0004 BAD Space expected
    C2: S0005 SETQUOTA nobody@example.test (STORAGE 1)
    S2: S0005 NO [NONEXISTENT] There is no such quota root
    C: S0006 SETQUOTA alice@example.test (STORAGE 99999999)
    S: S0006 NO [NOPERM] You do not have the right
    C2: S0007 SETQUOTA alice@example.test ()
    S2: * QUOTA "alice@example.test" ()
    S2: S0007 OK Setquota completed
    `,
  )
  expect((await world.store.quota(world.account)).maxBytes).toBeUndefined()
  const capabilities = async (user: 'alice' | 'admin') => (await (await world.login(user)).ok('CAPABILITY'))[0]
  expect(await capabilities('alice')).toMatch(/ QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE (?!QUOTASET)/)
  expect(await capabilities('admin')).toMatch(/ QUOTA=RES-MESSAGE QUOTASET /)
})

it('tells what an EXPUNGE would free (RFC 9208 section 4.1.4)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('a'), mail('b'), mail('c'))
  const client = await world.login()
  expect(await client.ok('STATUS INBOX (DELETED DELETED-STORAGE)')).toEqual([
    '* STATUS "INBOX" (DELETED 0 DELETED-STORAGE 0)',
  ])
  await client.ok('SELECT INBOX')
  await client.ok('STORE 1:2 +FLAGS.SILENT (\\Deleted)')
  const { size } = (await world.store.records(world.account, await world.idOf('INBOX'), [1]))[0] as { size: number }
  expect(await client.ok('STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)')).toEqual([
    `* STATUS "INBOX" (MESSAGES 3 DELETED 2 DELETED-STORAGE ${2 * size})`,
  ])
})

it('refuses with OVERQUOTA what does not fit, also in another’s mailbox (RFC 9208 section 4.3.1)', async () => {
  await using world = await imapWorld({ sharing: WITH_PUBLIC })
  await world.store.setQuota(world.account, { maxMessages: 1 })
  await world.deliver('INBOX', mail('one'))
  await world.share('bob', 'lrite')
  const alice = await world.login()
  await alice.ok('SELECT INBOX')
  expect((await alice.command('COPY 1 Sent')).at(-1)).toMatch(/^t\d+ NO \[OVERQUOTA\]/)
  const bob = await world.login('bob')
  await bob.ok('APPEND INBOX {5+}\r\nA: b\n')
  await bob.ok('SELECT INBOX')
  for (const command of ['COPY', 'MOVE']) {
    expect((await bob.command(`${command} 1 "${ALICES}/INBOX"`)).at(-1)).toMatch(/^t\d+ NO \[OVERQUOTA\]/)
  }
  expect((await bob.command(`APPEND "${ALICES}/INBOX" {5+}\r\nA: b\n`)).at(-1)).toMatch(/^t\d+ NO \[OVERQUOTA\]/)
  expect((await world.store.quota(idOf('bob'))).usedMessages).toBe(1)
})

it('alerts the user once a session when the account is nearly full', async () => {
  let now = 1_000_000
  await using world = await imapWorld({
    sharing: { ...WITH_PUBLIC, quotaAlert: 80 },
    clock: { ...systemClock, now: () => now },
  })
  await world.store.setQuota(world.account, { maxMessages: 5 })
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
  const client = await world.login()
  expect((await client.ok('SELECT INBOX')).join()).not.toContain('ALERT')
  await world.deliver('INBOX', mail('4'))
  // It is looked at once a minute.
  now += 59_999
  expect((await client.ok('SELECT INBOX')).join()).not.toContain('ALERT')
  now += 1
  expect(await client.ok('SELECT INBOX')).toContain(
    '* OK [ALERT] 80% of the number of messages that this account may have is used',
  )
  expect((await client.ok('SELECT INBOX')).join()).not.toContain('ALERT')
})

it('leaves a resource out that is switched off', async () => {
  await using world = await imapWorld({ offers: new Offers(['QUOTA=RES-MESSAGE']) })
  await world.store.setQuota(world.account, { maxBytes: 1024, maxMessages: 5 })
  expect(await (await world.login()).ok('GETQUOTA alice@example.test')).toEqual([
    '* QUOTA "alice@example.test" (STORAGE 0 1)',
  ])
})
