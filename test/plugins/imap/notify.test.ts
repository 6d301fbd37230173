import type { MailboxEvent } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { imapWorld, mail, WITH_PUBLIC } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

const ALICES = 'Other Users/alice@example.test'
const EVENTS =
  'MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange'

const answerTo = async (client: TestClient, text: string) =>
  ((await client.command(text)).at(-1) as string).replace(/^t\d+ /, '')

async function twoSessions() {
  const world = await imapWorld({ sharing: WITH_PUBLIC })
  await world.store.createMailbox(world.account, 'Lists/Lemonade')
  await world.store.createMailbox(world.account, 'Lists/Im2000')
  return { world, client: await world.login(), other: await world.login() }
}

describe('NOTIFY (RFC 5465)', () => {
  it('begins with STATUS, and tells of messages in other mailboxes and of new ones here (section 3.1)', async () => {
    const { world, client } = await twoSessions()
    await using _ = world
    await world.deliver('Lists/Lemonade', mail('a'), mail('b'))
    const told = await client.ok(
      'notify set status (selected (MessageNew (uid body.peek[header.fields (from subject)]) MessageExpunge)) ' +
        '(subtree Lists (MessageNew MessageExpunge))',
    )
    expect(told).toEqual([
      '* STATUS "Lists" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1)'.replace('1)', told[0]?.match(/\d+\)$/)?.[0] as string),
      expect.stringMatching(/^\* STATUS "Lists\/Im2000" \(MESSAGES 0 UIDNEXT 1 UIDVALIDITY \d+\)$/),
      expect.stringMatching(/^\* STATUS "Lists\/Lemonade" \(MESSAGES 2 UIDNEXT 3 UIDVALIDITY \d+\)$/),
    ])
    await client.ok('SELECT INBOX')
    await world.deliver('Lists/Lemonade', mail('c'))
    expect(await client.line()).toBe('* STATUS "Lists/Lemonade" (UIDNEXT 4 MESSAGES 3)')
    await world.deliver('INBOX', mail('Re: good morning'))
    expect(await client.line()).toBe('* 1 EXISTS')
    expect(await client.line()).toBe('* 1 RECENT')
    expect(await client.line()).toMatch(/^\* 1 FETCH \(UID 1 BODY\[HEADER\.FIELDS \(from subject\)\] \{\d+\}$/i)
    for (const line of ['From: Bob <bob@example.test>', 'Subject: Re: good morning', '', ')']) {
      expect(await client.line()).toBe(line)
    }
    expect(await client.ok('NOOP')).toEqual([])
  })

  it('tells of the selected mailbox at once, with UIDs, and not of its own messages (sections 5.1 to 5.3, 6.1.1)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await world.deliver('INBOX', mail('a'), mail('b'))
    await client.ok('SELECT INBOX')
    await other.ok('SELECT INBOX')
    await client.ok('NOTIFY SET (selected (MessageNew (uid) MessageExpunge FlagChange))')
    await other.ok('STORE 2 +FLAGS ($Junk)')
    expect(await client.line()).toMatch(/^\* FLAGS \(/)
    expect(await client.line()).toMatch(/^\* OK \[PERMANENTFLAGS/)
    expect(await client.line()).toMatch(/^\* 2 FETCH \(UID 2 FLAGS \(\$Junk( \\Recent)?\)\)$/)
    await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    expect(await client.line()).toMatch(/^\* 1 FETCH \(UID 1 FLAGS/)
    await other.ok('EXPUNGE')
    expect(await client.line()).toBe('* 1 EXPUNGE')
    const own = await client.command('APPEND INBOX {5+}\r\nA: b\n')
    expect(own.join()).toContain('* 2 EXISTS')
    expect(own.join()).not.toContain('FETCH')
    await other.ok('APPEND INBOX {5+}\r\nA: b\n')
    expect(await client.line()).toBe('* 3 EXISTS')
    expect(await client.line()).toMatch(/^\* \d RECENT$/)
    expect(await client.line()).toBe('* 3 FETCH (UID 4)')
  })

  it('delays EXPUNGE for those who count messages (section 6.1.2)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await world.deliver('INBOX', mail('a'), mail('b'))
    await client.ok('SELECT INBOX')
    await other.ok('SELECT INBOX')
    await client.ok('NOTIFY SET (selected-delayed (MessageNew MessageExpunge))')
    await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    await other.ok('EXPUNGE')
    await world.deliver('INBOX', mail('c'))
    expect(await client.line()).toBe('* 3 EXISTS')
    expect(await client.line()).toMatch(/RECENT/)
    expect((await client.command('FETCH 2 UID'))[0]).toBe('* 2 FETCH (UID 2)')
    expect(await client.ok('NOOP')).toEqual(['* 1 EXPUNGE'])
  })

  it('says nothing of the selected mailbox when it was not asked about, until it is (sections 3.1, 5)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await world.deliver('INBOX', mail('a'))
    await client.ok('SELECT INBOX')
    await client.ok('NOTIFY SET (personal (MailboxName))')
    await other.ok('SELECT INBOX')
    await other.ok('STORE 1 +FLAGS (\\Flagged)')
    await world.deliver('INBOX', mail('b'))
    expect(await client.ok('NOOP')).toEqual([])
    expect(await client.ok('UID SEARCH ALL')).toEqual(['* SEARCH 1'])
    const told = await client.ok('NOTIFY NONE')
    expect(told.join()).not.toContain('EXISTS')
    // What has gathered is told at once, and before the answer (section 3.1).
    expect(await client.ok('NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))')).toContain('* 2 EXISTS')
  })

  it('tells of flags in other mailboxes, with mod-sequences to those who know them (section 5.1)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await world.deliver('Sent', mail('a'))
    await client.ok('NOTIFY SET (mailboxes Sent (MessageNew MessageExpunge FlagChange))')
    await other.ok('SELECT Sent')
    await other.ok('STORE 1 +FLAGS (\\Seen)')
    expect(await client.line()).toMatch(/^\* STATUS "Sent" \(UIDVALIDITY \d+ UNSEEN 0\)$/)
    await client.ok('ENABLE CONDSTORE')
    await other.ok('STORE 1 -FLAGS (\\Seen)')
    expect(await client.line()).toMatch(/^\* STATUS "Sent" \(UIDVALIDITY \d+ UNSEEN 1 HIGHESTMODSEQ \d+\)$/)
    await other.ok('STORE 1 +FLAGS (\\Deleted)')
    expect(await client.line()).toMatch(/^\* STATUS "Sent"/)
    await other.ok('EXPUNGE')
    expect(await client.line()).toMatch(/^\* STATUS "Sent" \(UIDNEXT 2 MESSAGES 0 HIGHESTMODSEQ \d+\)$/)
  })

  it('tells of names that come, go and change, but not of its own (sections 5.4, 5.5)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('NOTIFY SET (personal (MailboxName SubscriptionChange))')
    await other.ok('CREATE NewMailbox')
    expect(await client.line()).toBe('* LIST (\\HasNoChildren) "/" "NewMailbox"')
    await other.ok('CREATE NewMailbox/Below')
    expect(await client.line()).toBe('* LIST (\\HasNoChildren) "/" "NewMailbox/Below"')
    expect(await client.line()).toBe('* LIST (\\HasChildren) "/" "NewMailbox"')
    await other.ok('RENAME NewMailbox Renamed')
    expect(await client.line()).toBe('* LIST (\\HasChildren) "/" "Renamed" ("OLDNAME" ("NewMailbox"))')
    await other.ok('DELETE Renamed/Below')
    expect(await client.line()).toBe('* LIST (\\NonExistent) "/" "Renamed/Below"')
    expect(await client.line()).toBe('* LIST (\\HasNoChildren) "/" "Renamed"')
    await other.ok('SUBSCRIBE Renamed')
    expect(await client.line()).toBe('* LIST (\\HasNoChildren \\Subscribed) "/" "Renamed"')
    await other.ok('UNSUBSCRIBE Renamed')
    expect(await client.line()).toBe('* LIST (\\HasNoChildren) "/" "Renamed"')
    await client.ok('CREATE Own')
    await client.ok('SUBSCRIBE Own')
    await other.ok('CREATE Theirs')
    expect(await client.line()).toBe('* LIST (\\HasNoChildren) "/" "Theirs"')
  })

  it('tells of annotations (sections 5.6, 5.7), which ENABLE METADATA does as well (RFC 5464 section 4.4)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))')
    const enabled = await world.login()
    expect(await enabled.ok('ENABLE METADATA')).toEqual(['* ENABLED METADATA'])
    await other.ok('SETMETADATA INBOX (/shared/comment "x" /private/comment "y")')
    for (const told of [client, enabled]) {
      expect(await told.line()).toBe('* METADATA "INBOX" /shared/comment /private/comment')
    }
    const admin = await world.login('admin')
    await admin.ok('SETMETADATA "" (/shared/comment "x" /private/comment "of the administrator")')
    for (const told of [client, enabled]) expect(await told.line()).toBe('* METADATA "" /shared/comment')
    expect(await client.ok('SETMETADATA INBOX (/shared/comment NIL)')).toEqual([])
    expect(await enabled.line()).toBe('* METADATA "INBOX" /shared/comment')
    expect(await client.ok('NOOP')).toEqual([])
    expect(await other.ok('NOOP')).toEqual([])
  })

  it('tells while the client idles (section 4)', async () => {
    const { world, client } = await twoSessions()
    await using _ = world
    await client.ok(
      'NOTIFY SET (selected (MessageNew (uid) MessageExpunge)) (mailboxes Sent (MessageNew MessageExpunge))',
    )
    await client.ok('SELECT INBOX')
    client.send('i IDLE\r\n')
    expect(await client.line()).toBe('+ idling')
    await world.deliver('Sent', mail('a'))
    expect(await client.line()).toBe('* STATUS "Sent" (UIDNEXT 2 MESSAGES 1)')
    await world.deliver('INBOX', mail('a'))
    expect(await client.line()).toBe('* 1 EXISTS')
    expect(await client.line()).toBe('* 1 RECENT')
    expect(await client.line()).toBe('* 1 FETCH (UID 1)')
    client.send('DONE\r\n')
    expect(await client.line()).toBe('i OK Idle completed')
  })

  it('follows mailboxes of others as long as they may be read (sections 3.1, 5.4, 5.9)', async () => {
    const { world } = await twoSessions()
    await using _ = world
    await world.share('bob', 'l', 'Sent')
    const bob = await world.login('bob')
    expect(
      await bob.ok(`NOTIFY SET STATUS (mailboxes ("${ALICES}/Sent" "${ALICES}/Nowhere") (MessageNew MessageExpunge))`),
    ).toEqual([`* LIST (\\NoAccess) "/" "${ALICES}/Sent"`])
    const names = await world.login('bob')
    await names.ok('NOTIFY SET (subtree "Other Users" (MailboxName MessageNew MessageExpunge))')
    await world.share('bob', 'lr')
    expect(await names.line()).toBe(`* LIST (\\HasNoChildren) "/" "${ALICES}/INBOX"`)
    await world.deliver('INBOX', mail('a'))
    expect(await names.line()).toBe(`* STATUS "${ALICES}/INBOX" (UIDNEXT 2 MESSAGES 1)`)
    await world.share('bob', '')
    expect(await names.line()).toBe(`* LIST (\\NonExistent) "/" "${ALICES}/INBOX"`)
    await world.deliver('INBOX', mail('b'))
    expect(await names.ok('NOOP')).toEqual([])
    expect(await bob.ok('NOOP')).toEqual([])
  })

  it('is refused with the events there are, and BAD where they may not stand (sections 3.1, 5, 6.1, 8)', async () => {
    const { world, client } = await twoSessions()
    await using _ = world
    const badEvent = `NO [BADEVENT (${EVENTS})] No such event here`
    expect(await answerTo(client, 'NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))')).toBe(badEvent)
    expect(await answerTo(client, 'NOTIFY SET (personal (Whatever))')).toBe(badEvent)
    for (const request of [
      '(personal (MessageNew))',
      '(personal (FlagChange))',
      '(personal (MessageExpunge FlagChange))',
      '(selected (MailboxName))',
      '(selected-delayed (MessageNew MessageExpunge SubscriptionChange))',
      '(selected NONE) (selected-delayed NONE)',
      '(personal (MessageNew (uid) MessageExpunge))',
      '(personal ())',
      '(everything (MailboxName))',
      '(subtree (MailboxName))',
      'personal (MailboxName)',
      '(personal MailboxName)',
      '(personal (MailboxName)) ',
      '',
    ]) {
      expect(await answerTo(client, `NOTIFY SET ${request}`), request).toMatch(/^BAD /)
    }
    expect(await answerTo(client, 'NOTIFY')).toMatch(/^BAD /)
    expect(await answerTo(client, 'NOTIFY NONE x')).toMatch(/^BAD /)
    expect(await answerTo(client, 'NOTIFY SET (personal NONE)')).toMatch(/^OK /)
  })

  it('gives up when too much happens (section 5.8)', async () => {
    const listeners = new Map<string, (event: MailboxEvent) => void>()
    await using world = await imapWorld({
      wrapStore: (store) => ({
        ...store,
        watch(account, listener) {
          listeners.set(account, listener)
          return store.watch(account, listener)
        },
      }),
    })
    const client = await world.login()
    await client.ok('NOTIFY SET (personal (MailboxMetadataChange))')
    const mailbox = await world.idOf('INBOX')
    for (let at = 0; at <= 1000; at++) {
      const event = { kind: 'metadata', mailbox, owner: 'shared', entries: [`/e${at}`], modSeq: BigInt(at) } as const
      listeners.get(world.account)?.(event)
    }
    expect(await client.line()).toBe('* OK [NOTIFICATIONOVERFLOW] Too much happens to be told')
    await (await world.login()).ok('SETMETADATA INBOX (/shared/comment "x")')
    expect(await client.ok('NOOP')).toEqual([])
  })

  it('leaves events of annotations out where there are none', async () => {
    await using world = await imapWorld({ offers: new Offers(['METADATA-SERVER']) })
    const client = await world.login()
    expect(await answerTo(client, 'NOTIFY SET (personal (MailboxMetadataChange))')).toBe(
      'NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)] No such event here',
    )
  })

  it('ends with UNAUTHENTICATE (RFC 8437 section 4.1)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('NOTIFY SET (personal (MailboxName))')
    await client.ok('UNAUTHENTICATE')
    await client.ok('LOGIN bob@example.test secret')
    await other.ok('CREATE x')
    expect(await client.ok('NOOP')).toEqual([])
  })
})
