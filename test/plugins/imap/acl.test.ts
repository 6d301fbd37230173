import { describe, expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail, WITH_PUBLIC } from './support/imap-world.ts'
import { idOf } from './support/test-directory.ts'

const ALICES = 'Other Users/alice@example.test'

describe('access control lists (RFC 4314)', () => {
  it('are set, told and deleted (sections 2.1.1, 3.1, 3.2, 3.3)', async () => {
    await using world = await imapWorld()
    await dialog(
      world,
      `
      C: A001 SeTacl Drafts bob@example.test lrswida
      S: A001 OK Access control list changed
      C: A002 getacl Drafts
      S: * ACL "Drafts" "alice@example.test" lrswipkxtecda "bob@example.test" lrswixteda
      S: A002 OK Getacl completed
      C: A003 Setacl Drafts CAROL lrswikda
      S: A003 OK Access control list changed
      C: A004 SETACL Drafts bob -xd
      S: A004 OK Access control list changed
      C: A005 SETACL Drafts bob +c
      S: A005 OK Access control list changed
      C: A006 SETACL Drafts -carol wetd
      S: A006 OK Access control list changed
      C: A007 SETACL Drafts anyone p
      S: A007 OK Access control list changed
      C: B001 GETACL Drafts
      S: * ACL "Drafts" "alice@example.test" lrswipkxtecda "bob@example.test" lrswikca "carol@example.test" lrswikxtecda "-carol@example.test" wxted "anyone" p
      S: B001 OK Getacl completed
      C: B002 DeleteAcl Drafts carol
      S: B002 OK Access control list changed
      C: B003 SETACL Drafts anyone ""
      S: B003 OK Access control list changed
      C: B004 GETACL Drafts
      S: * ACL "Drafts" "alice@example.test" lrswipkxtecda "bob@example.test" lrswikca "-carol@example.test" wxted
      S: B004 OK Getacl completed
      `,
    )
  })

  it('are BAD with a right that there is not, and with no identifier (section 3.1)', async () => {
    await using world = await imapWorld()
    await dialog(
      world,
      `
      C: A035 SETACL Drafts bob lrQswicda
      S: A035 BAD No such right
      C: A036 SETACL Drafts bob lrqswicda
      S: A036 BAD No such right
      C: A037 SETACL Drafts bob lr0
      S: A037 BAD No such right
      C: A038 SETACL Drafts "" lr
      S: A038 BAD Not a possible identifier
      C: A039 SETACL Drafts - lr
      S: A039 BAD Not a possible identifier
      C: A040 SETACL Drafts bob
      S: A040 BAD Missing argument
      C: A041 SETACL Drafts nobody lr
      S: A041 NO [CANNOT] There is no such user
      C: A042 SETACL Nowhere bob lr
      S: A042 NO [NONEXISTENT] There is no such mailbox
      C: A043 GETACL Drafts
      S: * ACL "Drafts" "alice@example.test" lrswipkxtecda
      S: A043 OK Getacl completed
      `,
    )
  })

  it('leave the owner every right', async () => {
    await using world = await imapWorld()
    await dialog(
      world,
      `
      C: a SETACL Drafts alice lr
      S: a NO [CANNOT] The owner has every right
      C: b SETACL Drafts -alice w
      S: b NO [CANNOT] The owner has every right
      C: c DELETEACL Drafts alice
      S: c NO [CANNOT] The owner has every right
      C: d SETACL Drafts alice lrswipkxtea
      S: d OK Nothing to change
      C: e SETACL Drafts alice -w
      S: e NO [CANNOT] The owner has every right
      C: f SETACL Drafts -anyone lrswipkxtea
      S: f OK Access control list changed
      C: g MYRIGHTS Drafts
      S: * MYRIGHTS "Drafts" lrswipkxtecda
      S: g OK Myrights completed
      `,
    )
  })

  it('say which rights can be given (section 3.4)', async () => {
    await using world = await imapWorld()
    await dialog(
      world,
      `
      C: a001 LISTRIGHTS Sent Bob
      S: * LISTRIGHTS "Sent" "Bob" "" l r s w i p k x t e c d a
      S: a001 OK Listrights completed
      C: a005 listrights Archive anyone
      S: * LISTRIGHTS "Archive" "anyone" "" l r s w i p k x t e c d a
      S: a005 OK Listrights completed
      C: a006 LISTRIGHTS Archive alice@example.test
      S: * LISTRIGHTS "Archive" "alice@example.test" lrswipkxtecda
      S: a006 OK Listrights completed
      C: a007 LISTRIGHTS Archive nobody
      S: a007 NO [CANNOT] There is no such user
      `,
    )
  })

  it('let others administer with a, tell their own rights, and hide the rest (sections 3.5, 6)', async () => {
    await using world = await imapWorld()
    await world.share('bob', 'lra')
    await world.share('carol', 'p')
    await dialog(
      world,
      `
      # 2 is bob
      # 3 is carol
      C2: A003 MYRIGHTS "${ALICES}/INBOX"
      S2: * MYRIGHTS "${ALICES}/INBOX" lra
      S2: A003 OK Myrights completed
      C3: a MYRIGHTS "${ALICES}/INBOX"
      S3: a NO [NONEXISTENT] There is no such mailbox
      C2: A004 SETACL "${ALICES}/INBOX" carol +l
      S2: A004 OK Access control list changed
      C3: b MYRIGHTS "${ALICES}/INBOX"
      S3: * MYRIGHTS "${ALICES}/INBOX" lp
      S3: b OK Myrights completed
      C3: c GETACL "${ALICES}/INBOX"
      S3: c NO [NOPERM] You do not have the right
      C3: d SETACL "${ALICES}/INBOX" carol a
      S3: d NO [NOPERM] You do not have the right
      C3: e SELECT "${ALICES}/INBOX"
      S3: e NO [NOPERM] You do not have the right
      C2: A005 DELETEACL "${ALICES}/INBOX" bob
      S2: A005 OK Access control list changed
      C2: A006 GETACL "${ALICES}/INBOX"
      S2: A006 NO [NONEXISTENT] There is no such mailbox
      `,
    )
  })

  it('are shown as a capability with the rights that RFC 2086 has not (section 5.1.1)', async () => {
    await using world = await imapWorld()
    const [told] = await (await world.login()).ok('CAPABILITY')
    expect(told).toMatch(/ ACL .*RIGHTS=kxte( |$)/)
  })

  it('follow the account and not its address: nobody inherits from one that was removed', async () => {
    await using world = await imapWorld()
    await world.store.changeAcl(world.account, await world.idOf('INBOX'), {
      subject: 'account-gone' as ReturnType<typeof idOf>,
      isNegative: false,
      mode: 'replace',
      rights: 'lr',
    })
    expect(await (await world.login()).ok('GETACL INBOX')).toEqual(['* ACL "INBOX" "alice@example.test" lrswipkxtecda'])
  })
})

it('returns rights beside the names (RFC 8440)', async () => {
  await using world = await imapWorld({ sharing: WITH_PUBLIC })
  await world.store.createMailbox(idOf('public'), 'foo/bar')
  await world.share('anyone', 'lrs', 'foo/bar', 'public')
  const client = await world.login('bob')
  expect(await client.ok('LIST "" (INBOX Shared/*) RETURN (MYRIGHTS)')).toEqual([
    '* LIST (\\HasNoChildren) "/" "INBOX"',
    '* MYRIGHTS "INBOX" lrswipkxtecda',
    '* LIST (\\HasNoChildren) "/" "Shared/foo/bar"',
    '* MYRIGHTS "Shared/foo/bar" lrs',
    '* LIST (\\NonExistent \\HasChildren) "/" "Shared/foo"',
  ])
  await client.ok('CREATE a/b')
  await client.ok('SUBSCRIBE a/b')
  expect(await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" (% a/%) RETURN (MYRIGHTS)')).toEqual(
    expect.arrayContaining([
      '* LIST (\\HasNoChildren \\Subscribed) "/" "a/b"',
      '* MYRIGHTS "a/b" lrswipkxtecda',
      '* LIST (\\HasChildren) "/" "a" ("CHILDINFO" ("SUBSCRIBED"))',
    ]),
  )
  expect((await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (MYRIGHTS)')).join()).not.toContain(
    'MYRIGHTS "a"',
  )
})

it('logs out and stays connected, for another to log in (RFC 8437)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'))
  const client = await world.login()
  await client.ok('ENABLE QRESYNC')
  await client.ok('SELECT INBOX')
  await client.ok('STORE 1 +FLAGS (\\Deleted)')
  // Pipelined, as section 3 allows.
  client.send('u UNAUTHENTICATE\r\nv LOGIN bob@example.test secret\r\nw SELECT INBOX\r\n')
  expect(await client.answer('u')).toEqual(['u OK Not logged in any more'])
  expect((await client.answer('v')).at(-1)).toMatch(/^v OK/)
  const selected = await client.answer('w')
  expect(selected).toContain('* 0 EXISTS')
  expect(selected.join()).not.toContain('CLOSED')
  await client.ok('UNAUTHENTICATE')
  for (const command of ['UNAUTHENTICATE', 'NAMESPACE', 'FETCH 1 FLAGS']) {
    expect(await client.command(command)).toEqual([expect.stringMatching(/^t\d+ BAD Log in first$/)])
  }
  await client.ok('LOGIN alice@example.test secret')
  expect((await client.ok('STATUS INBOX (MESSAGES)'))[0]).toBe('* STATUS "INBOX" (MESSAGES 1)')
  expect((await client.command('SELECT INBOX (QRESYNC (1 1))')).at(-1)).toMatch(/BAD ENABLE QRESYNC first/)
})
