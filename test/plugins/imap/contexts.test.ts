import { describe, expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail, type WorldOptions } from './support/imap-world.ts'

async function twoSessions(options: WorldOptions = {}) {
  const world = await imapWorld(options)
  await world.deliver('INBOX', mail('b', 'xx'), mail('d', 'x'), mail('a', 'xxxx'), mail('c', 'xxx'))
  // Who takes what is recent, so that nobody else has it.
  await (await world.login()).ok('SELECT INBOX')
  const client = await world.login()
  const other = await world.login()
  await client.ok('SELECT INBOX')
  await other.ok('SELECT INBOX')
  return { world, client, other }
}

describe('CONTEXT=SEARCH (RFC 5267)', () => {
  it('tells what comes to the results and goes, as the examples have it (sections 4.3 to 4.3.5)', async () => {
    const { world } = await twoSessions()
    await using _ = world
    await dialog(
      world,
      `# selected
       C: A01 SEARCH RETURN (CONTEXT COUNT) UNDELETED UNKEYWORD $Junk
       S: * ESEARCH (TAG "A01") COUNT 4
       S: A01 OK Search completed
       C: B01 UID SEARCH RETURN (UPDATE COUNT) DELETED KEYWORD $Junk
       S: * ESEARCH (TAG "B01") UID COUNT 0
       S: B01 OK Search completed
       C: B01 SORT RETURN (UPDATE) (DATE) UTF-8 FLAGGED
       S: B01 BAD Tag reuse
       C2: x STORE 2:3 +FLAGS.SILENT ($Junk)
       S2: ~ FLAGS
       S2: ~ PERMANENTFLAGS
       S2: ~ x OK
       C2: x STORE 2:3 +FLAGS.SILENT (\\Deleted)
       S2: ~ x OK
       C: B02 NOOP
       S: ~ FLAGS
       S: ~ PERMANENTFLAGS
       S: * 2 FETCH (FLAGS (\\Deleted $Junk))
       S: * 3 FETCH (FLAGS (\\Deleted $Junk))
       S: * ESEARCH (TAG "B01") UID ADDTO (0 2:3)
       S: B02 OK Noop completed
       C2: x EXPUNGE
       S2: * 3 EXPUNGE
       S2: * 2 EXPUNGE
       S2: x OK Expunge completed
       C: B03 FETCH 4 UID
       S: * 4 FETCH (UID 4)
       S: * ESEARCH (TAG "B01") UID REMOVEFROM (0 2:3)
       S: B03 OK Fetch completed
       C: B04 NOOP
       S: * 3 EXPUNGE
       S: * 2 EXPUNGE
       S: B04 OK Noop completed
       C: B05 CANCELUPDATE "B01"
       S: B05 OK No further updates
       C: B06 STORE 1 +FLAGS.SILENT (\\Deleted $Junk)
       S: B06 OK Store completed
       C: B07 CANCELUPDATE "B01"
       S: B07 NO [CLIENTBUG] There is no such context
       C: B01 UID SEARCH RETURN (UPDATE ALL) DELETED
       S: * ESEARCH (TAG "B01") UID ALL 1
       S: B01 OK Search completed`,
    )
  })

  it('counts in numbers where the search did, which are right when they are said (sections 4.3.3, 4.3.4)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('SEARCH RETURN (UPDATE COUNT) UNSEEN')
    await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    await other.ok('EXPUNGE')
    await world.deliver('INBOX', mail('e'))
    expect((await client.ok('NOOP')).filter((line) => !/RECENT/.test(line))).toEqual([
      '* ESEARCH (TAG "t3") REMOVEFROM (0 1)',
      '* 1 EXPUNGE',
      '* 4 EXISTS',
      '* ESEARCH (TAG "t3") ADDTO (0 4)',
    ])
    // Its own changes too.
    expect(await client.ok('STORE 2:3 +FLAGS.SILENT (\\Seen)')).toEqual(['* ESEARCH (TAG "t3") REMOVEFROM (0 2:3)'])
    expect(await client.ok('STORE 2,4 FLAGS.SILENT ()')).toEqual(['* ESEARCH (TAG "t3") ADDTO (0 2)'])
    expect(await client.ok('NOOP')).toEqual([])
  })

  it('follows ALL without a word of results, and tells of EXPUNGE before it is said (appendix A.3)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    expect(await client.ok('SEARCH RETURN (UPDATE) ALL')).toEqual(['* ESEARCH (TAG "t3")'])
    await other.ok('STORE 2 +FLAGS.SILENT (\\Deleted)')
    await other.ok('EXPUNGE')
    expect(await client.ok('SEARCH KEYWORD none')).toEqual(['* SEARCH', '* ESEARCH (TAG "t3") REMOVEFROM (0 2)'])
    expect(await client.ok('SEARCH KEYWORD none')).toEqual(['* SEARCH'])
    expect(await client.ok('NOOP')).toEqual(['* 2 EXPUNGE'])
  })

  it('takes numbers, $ and * as they were when it was asked (section 4.3)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('SEARCH RETURN (SAVE) 1:2')
    for (const key of ['1:3', '$', '4:*', 'UID *', 'UID 4:*', 'UID $', 'UID 9:*', '*', 'NOT 1:*'])
      await client.ok(`UID SEARCH RETURN (UPDATE) ${key} UNFLAGGED`)
    await world.deliver('INBOX', mail('e'))
    const told = (await client.ok('NOOP')).filter((line) => line.includes('ESEARCH'))
    expect(told.map((line) => line.replace(/.*TAG "(t\d+)"\) UID/, '$1'))).toEqual([
      't8 ADDTO (0 5)',
      't10 ADDTO (0 5)',
      't12 ADDTO (0 5)',
    ])
    await client.ok('SEARCH RETURN (SAVE) KEYWORD none')
    await other.ok('STORE 1 +FLAGS.SILENT (\\Flagged)')
    const changed = (await client.ok('NOOP')).filter((line) => line.includes('ESEARCH'))
    expect(changed.map((line) => line.replace(/.*TAG "(t\d+)"\) UID/, '$1'))).toEqual([
      't4 REMOVEFROM (0 1)',
      't5 REMOVEFROM (0 1)',
      't9 REMOVEFROM (0 1)',
    ])
  })

  it('looks into the text of new messages, and fetches them first where that is asked for (RFC 5465 section 7)', async () => {
    const { world, client } = await twoSessions()
    await using _ = world
    await client.ok('SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) BODY wanted')
    await client.ok('UID SEARCH RETURN (UPDATE(UID)) FUZZY SUBJECT "good morning"')
    await world.deliver('INBOX', mail('none'), mail('Good mornign', 'Not wantd.'), mail('some', 'Much wanted.'))
    const told = await client.ok('NOOP')
    expect(told.filter((line) => !/RECENT/.test(line))).toEqual([
      '* 7 EXISTS',
      '* 7 FETCH (UID 7 BODY[HEADER.FIELDS (SUBJECT)] {17}',
      'Subject: some',
      '',
      ')',
      '* ESEARCH (TAG "t3") ADDTO (0 7)',
      '* 6 FETCH (UID 6)',
      '* ESEARCH (TAG "t4") UID ADDTO (0 6)',
    ])
    // Not for what becomes a result by its flags.
    await client.ok('UID SEARCH RETURN (UPDATE (UID)) FLAGGED')
    expect(await client.ok('STORE 1 +FLAGS.SILENT (\\Flagged)')).toEqual(['* ESEARCH (TAG "t6") UID ADDTO (0 1)'])
  })

  it('stands between what NOTIFY tells of flags and of new messages (RFC 5465 sections 5.1, 5.2)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('UID SEARCH RETURN (UPDATE) UNSEEN')
    await client.ok('NOTIFY SET (selected (MessageNew (UID) MessageExpunge FlagChange))')
    await other.ok('STORE 2 +FLAGS.SILENT (\\Seen)')
    expect(await client.line()).toBe('* 2 FETCH (UID 2 FLAGS (\\Seen))')
    expect(await client.line()).toBe('* ESEARCH (TAG "t3") UID REMOVEFROM (0 2)')
    await world.deliver('INBOX', mail('e'))
    expect(await client.line()).toBe('* 5 EXISTS')
    expect(await client.line()).toMatch(/RECENT/)
    expect(await client.line()).toBe('* ESEARCH (TAG "t3") UID ADDTO (0 5)')
    expect(await client.line()).toBe('* 5 FETCH (UID 5)')
  })

  it('follows some searches and refuses more, with their other results (section 4.3.1)', async () => {
    const { world, client } = await twoSessions()
    await using _ = world
    for (let at = 0; at < 4; at++) await client.ok('UID SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL')
    expect(await client.command('UID SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL')).toEqual([
      '* ESEARCH (TAG "t7") UID COUNT 4',
      '* NO [NOUPDATE "t7"] Too many contexts',
      't7 OK Sort completed',
    ])
    for (let at = 0; at < 6; at++) expect(await client.ok('SEARCH RETURN (UPDATE) ALL')).toHaveLength(1)
    expect(await client.ok('SEARCH RETURN (UPDATE MAX) ALL')).toEqual([
      '* ESEARCH (TAG "t14") MAX 4',
      '* NO [NOUPDATE "t14"] Too many contexts',
    ])
    expect((await client.command('CANCELUPDATE "t3" "t100" "t13"')).at(-1)).toMatch(/NO \[CLIENTBUG\]/)
    expect(await client.ok('UID SORT RETURN (UPDATE) (DATE) UTF-8 ALL')).toHaveLength(1)
    expect(await client.ok('SEARCH RETURN (UPDATE) ALL')).toHaveLength(1)
    expect(await client.ok('SEARCH RETURN (UPDATE) ALL')).toHaveLength(2)
  })

  it('ends with the mailbox, and is not there any more in the next one (section 4.3)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    for (const leave of ['SELECT INBOX', 'UNSELECT', 'CLOSE', 'EXAMINE Sent']) {
      await client.ok('SELECT INBOX')
      await client.ok('SEARCH RETURN (UPDATE) FLAGGED')
      await client.ok(leave)
      await client.ok('SELECT INBOX')
      await other.ok('STORE 1 +FLAGS.SILENT (\\Flagged)')
      expect((await client.ok('NOOP')).join(), leave).not.toContain('ESEARCH')
      await other.ok('STORE 1 FLAGS.SILENT ()')
    }
    await client.ok('UNSELECT')
    expect((await client.command('CANCELUPDATE "x"')).at(-1)).toMatch(/BAD Not possible/)
  })

  it('refuses to follow a part of the mailbox (RFC 9738)', async () => {
    const { world, client } = await twoSessions({ limits: { messages: 3 } })
    await using _ = world
    expect(await client.command('SEARCH RETURN (UPDATE COUNT) ALL')).toEqual([
      '* ESEARCH (TAG "t3") COUNT 3',
      '* NO [NOUPDATE "t3"] Too many contexts',
      't3 OK [MESSAGELIMIT 3 2] Search completed',
    ])
  })

  it('tells while the client idles, and with NOTIFY between commands (section 4.3.2)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('UID SEARCH RETURN (UPDATE) UNSEEN')
    client.send('i IDLE\r\n')
    expect(await client.line()).toBe('+ idling')
    await other.ok('STORE 2 +FLAGS.SILENT (\\Seen)')
    expect(await client.line()).toBe('* 2 FETCH (FLAGS (\\Seen))')
    expect(await client.line()).toBe('* ESEARCH (TAG "t3") UID REMOVEFROM (0 2)')
    await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    expect(await client.line()).toBe('* 1 FETCH (FLAGS (\\Deleted))')
    await other.ok('EXPUNGE')
    expect(await client.line()).toBe('* ESEARCH (TAG "t3") UID REMOVEFROM (0 1)')
    expect(await client.line()).toBe('* 1 EXPUNGE')
    client.send('DONE\r\n')
    expect(await client.line()).toBe('i OK Idle completed')
    await client.ok('NOTIFY SET (selected-delayed (MessageNew MessageExpunge))')
    await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    await world.deliver('INBOX', mail('e'))
    expect(await client.line()).toBe('* 4 EXISTS')
    expect(await client.line()).toMatch(/RECENT/)
    expect(await client.line()).toBe('* ESEARCH (TAG "t3") UID ADDTO (0 5)')
    await client.ok('UID STORE 3 +FLAGS.SILENT (\\Deleted)')
    await other.ok('EXPUNGE')
    // EXPUNGE waits for a command, and this does not.
    expect(await client.line()).toBe('* ESEARCH (TAG "t3") UID REMOVEFROM (0 3)')
    expect(await client.ok('NOOP')).toEqual(['* 2 EXPUNGE', '* 1 EXPUNGE'])
  })

  it('goes on by UID alone where numbers are no more (RFC 9586)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    await client.ok('SEARCH RETURN (UPDATE) UNSEEN')
    await client.ok('UID SEARCH RETURN (UPDATE) UNSEEN')
    expect(await client.ok('ENABLE UIDONLY')).toEqual(['* ENABLED UIDONLY', '* NO [NOUPDATE "t3"] No further updates'])
    await other.ok('STORE 2 +FLAGS.SILENT (\\Seen \\Deleted)')
    await other.ok('STORE 3 +FLAGS.SILENT (\\Deleted)')
    await other.ok('EXPUNGE')
    expect(await client.ok('NOOP')).toEqual(['* ESEARCH (TAG "t4") UID REMOVEFROM (0 2:3)', '* VANISHED 2:3'])
  })

  it('is of the selected mailbox for an ESEARCH of several (RFC 7377 section 2.2)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    const { uidValidity } = await world.store.mailbox(world.account, 'INBOX')
    const source = `MAILBOX "INBOX" UIDVALIDITY ${uidValidity}`
    await client.ok('ESEARCH RETURN (UPDATE COUNT) FLAGGED')
    await client.ok('ESEARCH IN (personal) RETURN (UPDATE COUNT) FLAGGED')
    expect(await client.ok('ESEARCH IN (mailboxes Sent) RETURN (UPDATE) FLAGGED')).toEqual([
      '* NO [NOUPDATE "t5"] Too many contexts',
    ])
    await other.ok('STORE 2 +FLAGS.SILENT (\\Flagged)')
    expect((await client.ok('NOOP')).slice(-2)).toEqual([
      `* ESEARCH (TAG "t3" ${source}) UID ADDTO (0 2)`,
      `* ESEARCH (TAG "t4" ${source}) UID ADDTO (0 2)`,
    ])
    await client.ok('UNSELECT')
    expect((await client.command('ESEARCH IN (personal) RETURN (UPDATE) ALL')).at(-1)).toMatch(/BAD/)
  })

  it('gives up when the store does not answer, and the session goes on', async () => {
    let isBroken = false
    const { world, client } = await twoSessions({
      wrapBlobs: (blobs) =>
        new Proxy(blobs, {
          get(target, name) {
            const value = Reflect.get(target, name) as unknown
            if (typeof value !== 'function') return value
            if (isBroken && /^read/.test(String(name)))
              return () => {
                throw new Error('the disk is gone')
              }
            return value.bind(target)
          },
        }),
    })
    await using _ = world
    await client.ok('UID SEARCH RETURN (UPDATE) BODY x')
    await client.ok('UID SEARCH RETURN (UPDATE) UNSEEN')
    isBroken = true
    await world.deliver('INBOX', mail('e'))
    const told = (await client.ok('NOOP')).filter((line) => !/RECENT|EXISTS/.test(line))
    expect(told).toEqual(['* NO [NOUPDATE "t3"] No further updates', '* ESEARCH (TAG "t4") UID ADDTO (0 5)'])
    expect(await client.ok('NOOP')).toEqual([])
  })

  it.each([
    'SEARCH RETURN (UPDATE UPDATE) ALL',
    'SEARCH RETURN (UPDATE ()) ALL',
    'SEARCH RETURN (UPDATE (NOTHING)) ALL',
    'SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL',
    'SEARCH RETURN (PARTIAL 1:2 ALL) ALL',
    'CANCELUPDATE',
    'CANCELUPDATE x',
    'CANCELUPDATE "x" y',
    'CANCELUPDATE ("x")',
  ])('%s is wrong', async (command) => {
    const { world, client } = await twoSessions()
    await using _ = world
    expect((await client.command(command)).at(-1)).toMatch(/ BAD /)
  })
})

describe('CONTEXT=SORT (RFC 5267)', () => {
  it('says where results come and go (sections 4.3.3, 4.3.4)', async () => {
    const { world, client, other } = await twoSessions()
    await using _ = world
    expect((await client.ok('UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNSEEN'))[0]).toMatch(/ALL 3,1,4,2$/)
    await other.ok('STORE 1,2,4 +FLAGS.SILENT (\\Seen)')
    expect((await client.ok('NOOP')).at(-1)).toBe('* ESEARCH (TAG "t3") UID REMOVEFROM (2 1,4,2)')
    await other.ok('STORE 2,4 FLAGS.SILENT ()')
    expect((await client.ok('NOOP')).at(-1)).toBe('* ESEARCH (TAG "t3") UID ADDTO (2 4,2)')
    await world.deliver('INBOX', mail('aa'), mail('cc'), mail('ab'), mail('z'), mail('c'))
    // 3 a, 5 aa, 7 ab, 4 c, 9 c, 6 cc, 2 d, 8 z
    expect((await client.ok('NOOP')).at(-1)).toBe('* ESEARCH (TAG "t3") UID ADDTO (2 5,7 5 9,6 8 8)')
    await other.ok('UID STORE 3,4,2,8 +FLAGS.SILENT (\\Seen)')
    expect((await client.ok('NOOP')).at(-1)).toBe('* ESEARCH (TAG "t3") UID REMOVEFROM (7 2,8 4 4 1 3)')
  })

  it('sorts by relevancy as well (RFC 6203)', async () => {
    const { world, client } = await twoSessions()
    await using _ = world
    await client.ok('UID SORT RETURN (UPDATE COUNT) (RELEVANCY) UTF-8 FUZZY SUBJECT helo')
    await world.deliver('INBOX', mail('hello'), mail('other'), mail('helo'))
    expect((await client.ok('NOOP')).at(-1)).toBe('* ESEARCH (TAG "t3") UID ADDTO (1 7,5)')
  })
})
