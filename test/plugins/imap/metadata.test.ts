import { METADATA_LIMITS } from 'mailserver'
import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, WITH_PUBLIC } from './support/imap-world.ts'

const ALICES = 'Other Users/alice@example.test'
const sharing = { ...WITH_PUBLIC, adminContact: 'mailto:postmaster@example.test' }

it('sets, tells and removes annotations of mailboxes (RFC 5464 sections 4.2, 4.3, 4.4.1)', async () => {
  await using world = await imapWorld()
  await dialog(
    world,
    `
    C: a SETMETADATA INBOX (/private/comment {33}
    S: + Ready for literal data
    C: My new comment across
    C: two lines.)
    S: a OK Setmetadata completed
    C: b GETMETADATA INBOX /PRIVATE/Comment
    S: * METADATA "INBOX" (/private/comment {33}
    S: My new comment across
    S: two lines.)
    S: b OK Getmetadata completed
    C: c SETMETADATA INBOX (/private/comment "My own comment" /shared/comment "This one is for you!")
    S: c OK Setmetadata completed
    C: d GETMETADATA "INBOX" (/shared/comment /private/comment)
    S: * METADATA "INBOX" (/shared/comment "This one is for you!" /private/comment "My own comment")
    S: d OK Getmetadata completed
    C: e GETMETADATA "INBOX" /private/comment /shared/comment
    S: * METADATA "INBOX" (/private/comment "My own comment" /shared/comment "This one is for you!")
    S: e OK Getmetadata completed
    C: f SETMETADATA INBOX (/private/comment NIL)
    S: f OK Setmetadata completed
    C: g GETMETADATA INBOX /private/comment
    S: * METADATA "INBOX" (/private/comment NIL)
    S: g OK Getmetadata completed
    C: h SETMETADATA INBOX (/private/comment "")
    S: h OK Setmetadata completed
    C: i GETMETADATA INBOX /private/comment
    S: * METADATA "INBOX" (/private/comment "")
    S: i OK Getmetadata completed
    C: j GETMETADATA Nowhere /private/comment
    S: j NO [NONEXISTENT] There is no such mailbox
    `.replace('two lines.)\n    S: a', 'two lines.)\n    S: a'),
  )
})

it('leaves long values out and names the longest (RFC 5464 section 4.2.1)', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  await client.ok(
    `SETMETADATA INBOX (/shared/comment "${'x'.repeat(1000)}${'y'.repeat(24)}" /private/comment short)`.replace(
      'short',
      '"short"',
    ),
  )
  for (const command of [
    'GETMETADATA (MAXSIZE 1023) INBOX (/shared/comment /private/comment)',
    'GETMETADATA INBOX (MAXSIZE 1023) (/shared/comment /private/comment)',
  ]) {
    const [told, done] = await client.command(command)
    expect(told).toBe('* METADATA "INBOX" (/private/comment "short")')
    expect(done).toMatch(/^t\d+ OK \[METADATA LONGENTRIES 1024\] /)
  }
  const [, done] = await client.command('GETMETADATA (MAXSIZE 1024) INBOX (/shared/comment)')
  expect(done).not.toContain('LONGENTRIES')
})

it('tells what is below an entry (RFC 5464 section 4.2.2)', async () => {
  await using world = await imapWorld()
  await dialog(
    world,
    `
    C: a SETMETADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \\"boss@example.com\\"" /private/filters/values/boss/deep "x" /private/filtersx "y")
    S: a OK Setmetadata completed
    C: b GETMETADATA "INBOX" (DEPTH 1) (/private/filters/values)
    S: * METADATA "INBOX" (/private/filters/values/boss "FROM \\"boss@example.com\\"" /private/filters/values/small "SMALLER 5000")
    S: b OK Getmetadata completed
    C: c GETMETADATA (DEPTH infinity) INBOX /private/filters
    S: * METADATA "INBOX" (/private/filters/values/boss "FROM \\"boss@example.com\\"" /private/filters/values/boss/deep "x" /private/filters/values/small "SMALLER 5000")
    S: c OK Getmetadata completed
    C: d GETMETADATA (DEPTH 1) INBOX /private
    S: * METADATA "INBOX" (/private/filtersx "y")
    S: d OK Getmetadata completed
    C: e GETMETADATA (DEPTH 2) INBOX /private
    S: e BAD 0, 1 or infinity expected
    C: f GETMETADATA (WIDTH 2) INBOX /private
    S: f BAD No such option
    `,
  )
})

it('is BAD with a name that is none (RFC 5464 section 3.2)', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  for (const name of [
    '/comment',
    '/shared//comment',
    '/shared/comment/',
    '"/shared/a*"',
    '"/shared/a%b"',
    'shared/x',
  ]) {
    for (const command of [`GETMETADATA INBOX ${name}`, `SETMETADATA INBOX (${name} "x")`]) {
      expect(await client.command(command), command).toEqual([expect.stringMatching(/ BAD /)])
    }
  }
  for (const name of ['/shared', '/private', '/shared/vendor', '/shared/vendor/token']) {
    expect(await client.command(`SETMETADATA INBOX (${name} "x")`)).toEqual([expect.stringMatching(/ BAD /)])
  }
  await client.ok('SETMETADATA INBOX (/shared/vendor/token/color "x")')
})

it('keeps octets of every kind', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  client.send('a SETMETADATA INBOX (/private/comment ~{4+}\r\na\0\xff\n)\r\n')
  expect(await client.line()).toBe('a OK Setmetadata completed')
  client.send('b GETMETADATA INBOX /private/comment\r\n')
  expect(await client.line()).toBe('* METADATA "INBOX" (/private/comment ~{4}')
  expect(await client.octets(4)).toBe('a\0\xff\n')
  expect(await client.line()).toBe(')')
})

it('says how long and how many annotations may be, and sets all or none (RFC 5464 section 4.3)', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  const long = METADATA_LIMITS.bytes + 1
  client.send(`a SETMETADATA INBOX (/private/a "x" /private/b {${long}+}\r\n${'x'.repeat(long)})\r\n`)
  expect(await client.line()).toBe(`a NO [METADATA MAXSIZE ${METADATA_LIMITS.bytes}] A value is too long`)
  const many = Array.from({ length: METADATA_LIMITS.entries }, (_, at) => `/shared/e${at} "x"`)
  await client.ok(`SETMETADATA INBOX (${many.join(' ')})`)
  expect((await client.command('SETMETADATA INBOX (/private/a "x" /shared/more "x")')).at(-1)).toMatch(
    /NO \[METADATA TOOMANY\]/,
  )
  expect(await client.ok('GETMETADATA INBOX (/private/a /shared/more)')).toEqual([
    '* METADATA "INBOX" (/private/a NIL /shared/more NIL)',
  ])
})

it('has annotations of the server, which administrators write (RFC 5464 section 3.2.1.1)', async () => {
  await using world = await imapWorld({ sharing })
  await dialog(
    world,
    `
    # 2 is admin
    C2: a SETMETADATA "" (/shared/comment "Shared comment")
    S2: a OK Setmetadata completed
    C2: b SETMETADATA "" (/shared/admin "mailto:me@example.test")
    S2: b NO [NOPERM] You do not have the right
    C: a GETMETADATA "" /shared/comment
    S: * METADATA "" (/shared/comment "Shared comment")
    S: a OK Getmetadata completed
    C: b GETMETADATA "" (/shared/admin)
    S: * METADATA "" (/shared/admin "mailto:postmaster@example.test")
    S: b OK Getmetadata completed
    C: c SETMETADATA "" (/shared/comment "Mine")
    S: c NO [NOPERM] You do not have the right
    C: d SETMETADATA "" (/private/vendor/token/x "mine")
    S: d OK Setmetadata completed
    C2: c GETMETADATA (DEPTH infinity) "" (/private /shared)
    S2: * METADATA "" (/shared/admin "mailto:postmaster@example.test" /shared/comment "Shared comment")
    S2: c OK Getmetadata completed
    `,
  )
})

it('shows annotations of shared mailboxes to whom they are shared with (RFC 5464 section 3.3)', async () => {
  await using world = await imapWorld({ sharing })
  await world.share('bob', 'lr')
  await world.share('carol', 'lx')
  await dialog(
    world,
    `
    # 2 is bob
    # 3 is carol
    C: a SETMETADATA INBOX (/shared/comment "for all" /private/comment "for alice")
    S: a OK Setmetadata completed
    C2: a GETMETADATA "${ALICES}/INBOX" (/shared/comment /private/comment)
    S2: * METADATA "${ALICES}/INBOX" (/shared/comment "for all" /private/comment NIL)
    S2: a OK Getmetadata completed
    C2: b SETMETADATA "${ALICES}/INBOX" (/private/comment "for bob")
    S2: b OK Setmetadata completed
    C2: c SETMETADATA "${ALICES}/INBOX" (/shared/comment "by bob")
    S2: c NO [NOPERM] You do not have the right
    C: b GETMETADATA INBOX (/private/comment)
    S: * METADATA "INBOX" (/private/comment "for alice")
    S: b OK Getmetadata completed
    C3: a GETMETADATA "${ALICES}/INBOX" /shared/comment
    S3: a NO [NOPERM] You do not have the right
    C3: b GETMETADATA "${ALICES}/Sent" /shared/comment
    S3: b NO [NONEXISTENT] There is no such mailbox
    `,
  )
})

it('returns annotations beside the names (RFC 9590)', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  const entry = '/shared/vendor/cmu/cyrus-imapd/color'
  await client.ok(`SETMETADATA INBOX (${entry} "#b71c1c")`)
  expect(await client.ok(`LIST "" (INBOX Sent) RETURN (METADATA ("${entry}"))`)).toEqual([
    '* LIST (\\HasNoChildren) "/" "INBOX"',
    `* METADATA "INBOX" (${entry} "#b71c1c")`,
    '* LIST (\\HasNoChildren \\Sent) "/" "Sent"',
    `* METADATA "Sent" (${entry} NIL)`,
  ])
  expect(await client.command('LIST "" % RETURN (METADATA)')).toEqual([expect.stringMatching(/ BAD /)])
})
