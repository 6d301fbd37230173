import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail, type World } from './support/imap-world.ts'

/** Mailboxes as in the examples of RFC 7377 section 2.1. */
async function folders(world: World): Promise<(name: string) => Promise<number>> {
  for (const name of ['folder1', 'folder2', 'folder2/banana', 'folder2/peach', 'folder2/peach/old', 'folder3']) {
    await world.store.createMailbox(world.account, name)
  }
  await world.deliver('folder1', mail('chad'), mail('x'), mail('chad again'))
  await world.deliver('folder2/banana', mail('x'), mail('chad'))
  await world.deliver('folder2/peach', mail('chad'))
  await world.deliver('folder2/peach/old', mail('chad'))
  await world.deliver('folder3', mail('x'))
  return async (name) => (await world.store.mailbox(world.account, name)).uidValidity
}

it('searches mailboxes and subtrees, each once, and tells of those with results (RFC 7377 section 2)', async () => {
  await using world = await imapWorld()
  const validity = await folders(world)
  await dialog(
    world,
    `
    C: tag1 ESEARCH IN (mailboxes "folder1" subtree "folder2") SUBJECT "chad"
    S: * ESEARCH (TAG "tag1" MAILBOX "folder1" UIDVALIDITY ${await validity('folder1')}) UID ALL 1,3
    S: * ESEARCH (TAG "tag1" MAILBOX "folder2/banana" UIDVALIDITY ${await validity('folder2/banana')}) UID ALL 2
    S: * ESEARCH (TAG "tag1" MAILBOX "folder2/peach" UIDVALIDITY ${await validity('folder2/peach')}) UID ALL 1
    S: * ESEARCH (TAG "tag1" MAILBOX "folder2/peach/old" UIDVALIDITY ${await validity('folder2/peach/old')}) UID ALL 1
    S: tag1 OK Search completed
    C: tag2 ESEARCH IN (subtree-one folder2 mailboxes (folder1 nowhere)) RETURN (COUNT MIN) SUBJECT chad
    S: * ESEARCH (TAG "tag2" MAILBOX "folder1" UIDVALIDITY ${await validity('folder1')}) UID MIN 1 COUNT 2
    S: * ESEARCH (TAG "tag2" MAILBOX "folder2/banana" UIDVALIDITY ${await validity('folder2/banana')}) UID MIN 2 COUNT 1
    S: * ESEARCH (TAG "tag2" MAILBOX "folder2/peach" UIDVALIDITY ${await validity('folder2/peach')}) UID MIN 1 COUNT 1
    S: tag2 OK Search completed
    C: tag3 ESEARCH IN (personal) RETURN () SUBJECT nothing-of-this
    S: tag3 OK Search completed
  `,
  )
})

it('searches the selected mailbox when nothing else is named', async () => {
  await using world = await imapWorld()
  const validity = await folders(world)
  const client = await world.login()
  expect((await client.command('ESEARCH ALL')).at(-1)).toMatch(/ BAD /)
  expect((await client.command('ESEARCH IN (selected personal) ALL')).at(-1)).toMatch(/ BAD /)
  await client.ok('SELECT folder3')
  const source = `MAILBOX "folder3" UIDVALIDITY ${await validity('folder3')}`
  const told = async (text: string) => (await client.ok(text)).map((line) => line.replace(/TAG "t\d+"/, 'TAG'))
  expect(await told('ESEARCH 1')).toEqual([`* ESEARCH (TAG ${source}) UID ALL 1`])
  expect(await told('ESEARCH IN (selected) RETURN (SAVE) ALL')).toEqual([])
  expect(await told('UID SEARCH $')).toEqual(['* SEARCH 1'])
  expect(await told('ESEARCH IN (selected mailboxes folder3) UID 1')).toEqual([`* ESEARCH (TAG ${source}) UID ALL 1`])
})

it('refuses what makes no sense beyond the selected mailbox, and what it does not know', async () => {
  await using world = await imapWorld()
  await folders(world)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  for (const wrong of [
    'ESEARCH IN (personal) RETURN (SAVE) ALL',
    'ESEARCH IN (personal) 1:*',
    'ESEARCH IN (personal) $',
    'ESEARCH IN (personal) UID $',
    'ESEARCH IN () ALL',
    'ESEARCH IN (elsewhere) ALL',
    'ESEARCH IN (selected-delayed) ALL',
    'ESEARCH IN (mailboxes) ALL',
    'ESEARCH IN (mailboxes ()) ALL',
    'ESEARCH IN (personal (scope)) ALL',
    'ESEARCH IN personal ALL',
    'ESEARCH',
  ]) {
    expect((await client.command(wrong)).at(-1), wrong).toMatch(/ BAD /)
  }
})

it('leaves out mailboxes that may not be read, and finds those of others that may', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('shared'))
  await world.store.createMailbox(world.account, 'Hidden')
  await world.deliver('Hidden', mail('shared'))
  await world.share('bob', 'l', 'Hidden')
  await world.share('bob', 'lr')
  const bob = await world.login('bob')
  await bob.ok('SUBSCRIBE "Other Users/alice@example.test/INBOX"')
  const told = await bob.ok('ESEARCH IN (subtree "Other Users") RETURN (COUNT) SUBJECT shared')
  expect(told).toEqual([
    expect.stringMatching(/MAILBOX "Other Users\/alice@example.test\/INBOX" UIDVALIDITY \d+\) UID COUNT 1$/),
  ])
  expect(await bob.ok('ESEARCH IN (subscribed) RETURN (MAX) SUBJECT shared')).toHaveLength(1)
  expect(await bob.ok('ESEARCH IN (inboxes) SUBJECT shared')).toEqual([])
  // What is named needs no right to be listed (section 2.2).
  await world.share('bob', 'r')
  expect(await bob.ok('ESEARCH IN (subtree "Other Users") SUBJECT shared')).toEqual([])
  expect(
    await bob.ok('ESEARCH IN (mailboxes "Other Users/alice@example.test/INBOX" subtree "Other Users") SUBJECT shared'),
  ).toHaveLength(1)
})
