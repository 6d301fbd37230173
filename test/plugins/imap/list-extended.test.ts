import { expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

/** The mailboxes of RFC 5258 section 5. */
async function fruit(): Promise<{ world: World; client: TestClient }> {
  const world = await imapWorld()
  const { store, account } = world
  for (const { name } of await store.mailboxes(account)) if (name !== 'INBOX') await store.deleteMailbox(account, name)
  for (const name of ['Fruit/Apple', 'Fruit/Banana', 'Tofu', 'Vegetable/Broccoli', 'Vegetable/Corn']) {
    await store.createMailbox(account, name)
  }
  for (const name of await store.subscriptions(account)) await store.setSubscribed(account, name, false)
  for (const name of ['INBOX', 'Fruit/Banana', 'Fruit/Peach', 'Vegetable', 'Vegetable/Broccoli']) {
    await store.setSubscribed(account, name, true)
  }
  return { world, client: await world.login() }
}

it('selects subscribed names, also those that do not exist (example 5.2)', async () => {
  const { world, client } = await fruit()
  await using _ = world
  expect((await client.ok('LIST (SUBSCRIBED) "" "*"')).sort()).toEqual(
    [
      '* LIST (\\HasNoChildren \\Subscribed) "/" "INBOX"',
      '* LIST (\\HasNoChildren \\Subscribed) "/" "Fruit/Banana"',
      '* LIST (\\NonExistent \\Subscribed) "/" "Fruit/Peach"',
      '* LIST (\\HasChildren \\Subscribed) "/" "Vegetable"',
      '* LIST (\\HasNoChildren \\Subscribed) "/" "Vegetable/Broccoli"',
    ].sort(),
  )
})

it('takes several patterns (example 5.6), and knows no special empty name', async () => {
  const { world, client } = await fruit()
  await using _ = world
  expect(await client.ok('LIST "" ("INBOX" "Tofu" "Fruit/%") RETURN (CHILDREN)')).toEqual([
    '* LIST (\\HasNoChildren) "/" "INBOX"',
    '* LIST (\\HasNoChildren) "/" "Fruit/Apple"',
    '* LIST (\\HasNoChildren) "/" "Fruit/Banana"',
    '* LIST (\\HasNoChildren) "/" "Tofu"',
  ])
  expect(await client.ok('LIST "" ("") RETURN ()')).toEqual([])
})

it('finds the parents of subscribed names (RECURSIVEMATCH, example 5.8)', async () => {
  const { world, client } = await fruit()
  await using _ = world
  expect((await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"')).sort()).toEqual([
    '* LIST (\\HasChildren \\Subscribed) "/" "Vegetable" ("CHILDINFO" ("SUBSCRIBED"))',
    '* LIST (\\HasChildren) "/" "Fruit" ("CHILDINFO" ("SUBSCRIBED"))',
    '* LIST (\\HasNoChildren \\Subscribed) "/" "INBOX"',
  ])
  expect((await client.command('LIST (RECURSIVEMATCH) "" "*"')).at(-1)).toMatch(/BAD RECURSIVEMATCH/)
  expect((await client.command('LIST (REMOTE RECURSIVEMATCH) "" "*"')).at(-1)).toMatch(/BAD RECURSIVEMATCH/)
})

it('returns subscriptions and status beside the names (RFC 5819)', async () => {
  const { world, client } = await fruit()
  await using _ = world
  await world.deliver('Tofu', mail('1'), mail('2'))
  expect(await client.ok('LIST "" (Tofu INBOX Fruit/Peach) RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN))')).toEqual([
    '* LIST (\\HasNoChildren \\Subscribed) "/" "INBOX"',
    '* STATUS "INBOX" (MESSAGES 0 UNSEEN 0)',
    '* LIST (\\HasNoChildren) "/" "Tofu"',
    '* STATUS "Tofu" (MESSAGES 2 UNSEEN 2)',
  ])
  await world.store.deleteMailbox(world.account, 'Vegetable')
  expect(await client.ok('LIST (SUBSCRIBED) "" Vegetable RETURN (STATUS (MESSAGES))')).toEqual([
    '* LIST (\\NonExistent \\HasChildren \\Subscribed) "/" "Vegetable"',
  ])
})

it('selects by special use (RFC 6154 section 5)', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  const lines = await client.ok('LIST (SPECIAL-USE) "" "*"')
  expect(lines.length).toBeGreaterThan(3)
  for (const line of lines) expect(line).toMatch(/\\(Archive|Drafts|Junk|Sent|Trash)\)/)
  expect(await client.ok('LIST "" "INBOX" RETURN (SPECIAL-USE)')).toEqual(['* LIST (\\HasNoChildren) "/" "INBOX"'])
})

it('refuses options that do not exist', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  for (const text of [
    'LIST (NOPE) "" *',
    'LIST "" * RETURN (NOPE)',
    'LIST "" * NOPE',
    'LIST "" * RETURN (STATUS ())',
  ]) {
    expect((await client.command(text)).at(-1), text).toMatch(/ BAD /)
  }
  expect((await client.command(`LIST "" "${'%*'.repeat(600)}"`)).at(-1)).toMatch(/ BAD Pattern is too long/)
})
