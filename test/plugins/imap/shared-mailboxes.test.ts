import { describe, expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail, WITH_PUBLIC } from './support/imap-world.ts'
import { idOf } from './support/test-directory.ts'

const ALICES = 'Other Users/alice@example.test'

/** Alice's INBOX with three messages and a mailbox `Team` with one below it; bob has these rights on INBOX. */
async function shared(rights: string) {
  const world = await imapWorld({ sharing: WITH_PUBLIC })
  await world.store.createMailbox(world.account, 'Team/Plans')
  await world.deliver('INBOX', mail('one'), mail('two'), mail('three'))
  if (rights !== '') await world.share('bob', rights)
  return { world, bob: await world.login('bob') }
}

const answerTo = async (client: { command(text: string): Promise<string[]> }, text: string) =>
  ((await client.command(text)).at(-1) as string).replace(/^t\d+ /, '')

describe('mailboxes of other users', () => {
  it('are named by NAMESPACE (RFC 2342)', async () => {
    await using world = await imapWorld({ sharing: WITH_PUBLIC })
    const namespaces = '* NAMESPACE (("" "/")) (("Other Users/" "/"))'
    expect(await (await world.login()).ok('NAMESPACE')).toEqual([`${namespaces} (("Shared/" "/"))`])
    expect(await (await world.login('public')).ok('NAMESPACE')).toEqual([`${namespaces} NIL`])
  })

  it('do not exist for whom they are not shared with, whatever is asked (RFC 4314 section 6)', async () => {
    const { world, bob } = await shared('')
    await using _ = world
    const missing = 'NO [NONEXISTENT] There is no such mailbox'
    for (const name of [`${ALICES}/INBOX`, `${ALICES}/Nowhere`, 'Other Users/nobody@example.test/INBOX']) {
      for (const command of ['SELECT', 'EXAMINE', 'DELETE']) {
        expect(await answerTo(bob, `${command} "${name}"`)).toBe(missing)
      }
      expect(await answerTo(bob, `STATUS "${name}" (MESSAGES)`)).toBe(missing)
      expect(await answerTo(bob, `RENAME "${name}" "${name}x"`)).toBe(missing)
      expect(await answerTo(bob, `CREATE "${name}/x"`)).toBe('NO [NOPERM] You do not have the right')
    }
    expect(await bob.ok('LIST "" "Other Users*"')).toEqual([])
    expect(await answerTo(bob, 'CREATE "Other Users"')).toMatch(/^NO \[NOPERM\]/)
  })

  it('are listed with the levels above them, without the owner’s uses', async () => {
    const { world, bob } = await shared('lr')
    await using _ = world
    await world.share('bob', 'l', 'Sent')
    await world.share('anyone', 'l', 'Team/Plans')
    expect(await bob.ok('LIST "" "Other Users/*"')).toEqual([
      `* LIST (\\HasNoChildren) "/" "${ALICES}/INBOX"`,
      `* LIST (\\HasNoChildren) "/" "${ALICES}/Sent"`,
      `* LIST (\\HasNoChildren) "/" "${ALICES}/Team/Plans"`,
      `* LIST (\\Noselect \\HasChildren) "/" "${ALICES}"`,
      `* LIST (\\Noselect \\HasChildren) "/" "${ALICES}/Team"`,
    ])
    expect(await bob.ok('LIST "" "%"')).toContain('* LIST (\\Noselect \\HasChildren) "/" "Other Users"')
    expect(await bob.ok('LIST "Other Users/alice@example.test/" "%/%"')).toEqual([
      `* LIST (\\HasNoChildren) "/" "${ALICES}/Team/Plans"`,
    ])
    expect(await bob.ok('LIST "" "Other Users/*" RETURN (STATUS (MESSAGES))')).toContain(
      `* STATUS "${ALICES}/INBOX" (MESSAGES 3)`,
    )
    const alice = await world.login()
    expect(await alice.ok('LIST "" "*"')).not.toContainEqual(expect.stringContaining('Other Users'))
  })

  it('are subscribed under the subscriber’s own name for them', async () => {
    const { world, bob } = await shared('lr')
    await using _ = world
    await bob.ok(`SUBSCRIBE "${ALICES}/INBOX"`)
    expect(await bob.ok('LSUB "" "Other Users/*"')).toEqual([`* LSUB () "/" "${ALICES}/INBOX"`])
    expect(await bob.ok('LIST (SUBSCRIBED) "" "Other Users/*"')).toEqual([
      `* LIST (\\HasNoChildren \\Subscribed) "/" "${ALICES}/INBOX"`,
    ])
    await world.share('bob', '')
    expect(await bob.ok('LSUB "" "Other Users/*"')).toEqual([`* LSUB (\\Noselect) "/" "${ALICES}/INBOX"`])
    await bob.ok(`UNSUBSCRIBE "${ALICES}/INBOX"`)
  })

  it('are read with r, and nothing else is changed then', async () => {
    const { world } = await shared('lr')
    await using _ = world
    await dialog(
      world,
      `
      # is bob
      C: a SELECT "${ALICES}/INBOX"
      S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
      S: * OK [PERMANENTFLAGS ()] Flags permitted
      S: * 3 EXISTS
      S: * 3 RECENT
      S: * OK [UNSEEN 1] First unseen
      S: ~ UIDVALIDITY
      S: ~ HIGHESTMODSEQ
      S: * OK [UIDNEXT 4] Predicted next UID
      S: ~ MAILBOXID
      S: a OK [READ-ONLY] Selected
      C: b STORE 1 +FLAGS (\\Seen)
      S: b NO [READ-ONLY] Mailbox is read-only
      C: c FETCH 1 BODY[HEADER.FIELDS (Subject)]
      S: ~ ^\\* 1 FETCH \\(BODY
      S: Subject: one
      S:
      S: )
      S: c OK Fetch completed
      C: d FETCH 1 FLAGS
      S: * 1 FETCH (FLAGS (\\Recent))
      S: d OK Fetch completed
      C: e EXPUNGE
      S: e NO [READ-ONLY] Mailbox is read-only
      C: f MOVE 1 INBOX
      S: f NO [READ-ONLY] Mailbox is read-only
      C: g COPY 1 INBOX
      S: ~ ^g OK \\[COPYUID \\d+ 1 1\\]
      C: h UID SEARCH SUBJECT two
      S: * SEARCH 2
      S: h OK Search completed
      C: i COPY 1 "${ALICES}/INBOX"
      S: i NO [NOPERM] You do not have the right
      `,
    )
  })

  it('let change those flags that the rights are for (RFC 4314 section 4)', async () => {
    const { world, bob } = await shared('lrst')
    await using _ = world
    const alice = await world.login()
    await alice.ok('SELECT INBOX')
    await alice.ok('STORE 1 FLAGS (\\Flagged kept)')
    const told = await bob.ok(`SELECT "${ALICES}/INBOX"`)
    expect(told).toContain('* OK [PERMANENTFLAGS (\\Deleted \\Seen)] Flags permitted')
    expect(await answerTo(bob, 'STORE 1 +FLAGS (\\Draft)')).toBe('NO [NOPERM] You do not have the right')
    expect(await bob.ok('STORE 1 +FLAGS (\\Seen \\Draft)')).toContain('* 1 FETCH (FLAGS (\\Seen \\Flagged kept))')
    expect(await bob.ok('STORE 1 FLAGS (\\Deleted other)')).toContain('* 1 FETCH (FLAGS (\\Flagged \\Deleted kept))')
    expect(await answerTo(bob, 'EXPUNGE')).toBe('NO [NOPERM] You do not have the right')
    await bob.ok('CLOSE')
    expect(await alice.ok('NOOP')).toEqual(['* 1 FETCH (FLAGS (\\Flagged \\Deleted kept \\Recent))'])
  })

  it('take copies with the flags that their user may set there (RFC 4314 section 4)', async () => {
    const { world, bob } = await shared('lrsi')
    await using _ = world
    await bob.ok('APPEND INBOX (\\Seen \\Flagged \\Deleted kept) {5+}\r\nA: b\n')
    await bob.ok('SELECT INBOX')
    await bob.ok(`COPY 1 "${ALICES}/INBOX"`)
    await bob.ok(`APPEND "${ALICES}/INBOX" (\\Seen \\Draft) {5+}\r\nA: b\n`)
    await bob.ok(`MOVE 1 "${ALICES}/INBOX"`)
    const alice = await world.login()
    await alice.ok('SELECT INBOX')
    const flags = (await alice.ok('UID FETCH 4:6 (FLAGS)')).map((line) => line.replace(/ ?\\Recent/, ''))
    expect(flags).toEqual([4, 5, 6].map((uid) => `* ${uid} FETCH (UID ${uid} FLAGS (\\Seen))`))
    expect((await world.store.quota(idOf('alice'))).usedMessages).toBe(6)
    expect((await world.store.quota(idOf('bob'))).usedMessages).toBe(0)
  })

  it('are made, renamed and deleted with k and x', async () => {
    const { world, bob } = await shared('')
    await using _ = world
    await world.share('bob', 'lrkx', 'Team')
    await bob.ok(`CREATE "${ALICES}/Team/New/Deep"`)
    expect((await bob.ok('LIST "" "Other Users/*"')).map((line) => line.split('"/" ')[1])).toEqual([
      `"${ALICES}/Team"`,
      `"${ALICES}/Team/New"`,
      `"${ALICES}/Team/New/Deep"`,
      `"${ALICES}"`,
    ])
    await bob.ok(`RENAME "${ALICES}/Team/New" "${ALICES}/Team/Newer"`)
    expect(await answerTo(bob, `RENAME "${ALICES}/Team/Newer" Mine`)).toBe(
      'NO [CANNOT] Mailboxes stay with their owner',
    )
    expect(await answerTo(bob, `RENAME "${ALICES}/Team/Newer" "${ALICES}/Top"`)).toMatch(/^NO \[NOPERM\]/)
    expect(await answerTo(bob, `RENAME "${ALICES}/Team/Plans" "${ALICES}/Team/P"`)).toMatch(/^NO \[NONEXISTENT\]/)
    await bob.ok(`DELETE "${ALICES}/Team/Newer/Deep"`)
    await world.share('bob', 'lr', 'Team')
    expect(await answerTo(bob, `DELETE "${ALICES}/Team"`)).toBe('NO [NOPERM] You do not have the right')
    expect(await answerTo(bob, `CREATE "${ALICES}/Team/More"`)).toBe('NO [NOPERM] You do not have the right')
  })

  it('tell every user of what another does, at once', async () => {
    const { world, bob } = await shared('lrswte')
    await using _ = world
    const alice = await world.login()
    await alice.ok('SELECT INBOX')
    await bob.ok(`SELECT "${ALICES}/INBOX"`)
    bob.send('i IDLE\r\n')
    expect(await bob.line()).toBe('+ idling')
    await alice.ok('STORE 2 +FLAGS (\\Deleted)')
    expect(await bob.line()).toBe('* 2 FETCH (FLAGS (\\Deleted))')
    await alice.ok('EXPUNGE')
    expect(await bob.line()).toBe('* 2 EXPUNGE')
    await world.deliver('INBOX', mail('four'))
    expect(await bob.line()).toBe('* 3 EXISTS')
    bob.close()
  })

  it('end with their right to be read, and tell what may be changed when that changes', async () => {
    const { world, bob } = await shared('lrsw')
    await using _ = world
    await bob.ok(`SELECT "${ALICES}/INBOX"`)
    bob.send('i IDLE\r\n')
    expect(await bob.line()).toBe('+ idling')
    await world.share('bob', 'lrs')
    expect(await bob.line()).toBe('* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)')
    expect(await bob.line()).toBe('* OK [PERMANENTFLAGS (\\Seen)] Flags permitted')
    await world.share('bob', 'l')
    expect(await bob.line()).toBe('* BYE [NOPERM] Selected mailbox may no longer be read')
    expect(await bob.rest()).toBe('')
  })

  it('do not change what another of the same number is: mailboxes are numbered in their account', async () => {
    const { world, bob } = await shared('lrswite')
    await using _ = world
    await bob.ok('SELECT INBOX')
    // Both are the first of their account.
    await bob.ok(`APPEND "${ALICES}/INBOX" {5+}\r\nA: b\n`)
    expect(await bob.ok('NOOP')).toEqual([])
    await bob.ok('APPEND INBOX {5+}\r\nA: b\n')
    await bob.ok(`MOVE 1 "${ALICES}/INBOX"`)
    expect(await bob.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 0)'])
  })
})

describe('mailboxes of the public account', () => {
  it('stand under Shared, and its administrators have every right', async () => {
    await using world = await imapWorld({ sharing: WITH_PUBLIC })
    const admin = await world.login('admin')
    const bob = await world.login('bob')
    await admin.ok('CREATE Shared/News')
    expect(await bob.ok('LIST "" "Shared*"')).toEqual([])
    expect(await answerTo(bob, 'CREATE Shared/Mine')).toMatch(/^NO \[NOPERM\]/)
    await world.share('anyone', 'lr', 'News', 'public')
    expect(await bob.ok('LIST "" "*/*"')).toEqual(['* LIST (\\HasNoChildren) "/" "Shared/News"'])
    expect(await bob.ok('LIST "" "Shared"')).toEqual(['* LIST (\\Noselect \\HasChildren) "/" "Shared"'])
    await admin.ok('APPEND Shared/News (\\Seen) {5+}\r\nA: b\n')
    expect(await bob.ok('STATUS Shared/News (MESSAGES UNSEEN)')).toEqual([
      '* STATUS "Shared/News" (MESSAGES 1 UNSEEN 0)',
    ])
    expect(await answerTo(bob, 'DELETE Shared/News')).toBe('NO [NOPERM] You do not have the right')
    await admin.ok('RENAME Shared/News Shared/Old')
    await admin.ok('DELETE Shared/Old')
  })
})
