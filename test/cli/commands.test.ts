import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { StartCard } from '../../src/cli/start-card.ts'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { mailProject } from './mail-project.ts'

// Every command is a process of its own, and runs from its sources.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

interface Entries {
  readonly entries: readonly { readonly id: string; readonly recipient: string; readonly state: string }[]
}

const p = mailProject()
let card: StartCard

beforeAll(async () => {
  card = await p.json<StartCard>(['start', '--detach'])
})
afterAll(async () => {
  await p.json(['stop'])
  await p[Symbol.asyncDispose]()
})

const account = async (address: string) => {
  const { accounts } = await p.json<{ accounts: { address: string }[] }>(['user', 'list'])
  return accounts.find((one) => one.address === address)
}

describeWith(['curl'], 'the commands of the start-up card', () => {
  test('send a message and read it, as they are printed', async () => {
    const sent = await run('sh', ['-c', card.send ?? 'false'])
    expect(sent).toMatchObject({ code: 0, stderr: '' })
    const read = await run('sh', ['-c', card.read ?? 'false'])
    expect(read.code).toBe(0)
    expect(read.stdout).toContain('Subject: Hello\r\n')
    expect(read.stdout).toMatch(/\r\n\r\nIt works\.\r\n$/)
    const traced = await p.mailserver('trace', 'alice@example.test')
    expect(traced.stdout).toMatch(/bob@example\.test → alice@example\.test/)
    expect(traced.stdout).not.toContain(card.accounts[0]?.password)
  })
})

describe('user', () => {
  test('an account is added, changed, given another password and removed', async () => {
    const added = await p.json(
      ['user', 'add', 'carol@example.test', '--quota', '2GB', '--password-stdin'],
      0,
      'correct horse\n',
    )
    expect(added).toMatchObject({ address: 'carol@example.test', source: 'store', maxBytes: 2 * 1024 ** 3 })
    expect(JSON.stringify(added)).not.toContain('correct horse')
    expect(
      await p.json(['user', 'set', 'carol@example.test', '--quota', 'none', '--name', 'Carol', '--disable']),
    ).toMatchObject({
      maxBytes: null,
      name: 'Carol',
      disabled: true,
    })
    expect(await p.json(['user', 'set', 'carol@example.test', '--enable'])).toMatchObject({ disabled: false })
    const { password } = await p.json<{ password: string }>(['user', 'password', 'carol@example.test', '--generate'])
    expect(password).toMatch(/^[A-Za-z0-9]{20}$/)
    expect((await p.mailserver('user', 'show', 'carol@example.test')).stdout).toMatch(/INBOX +- +0 +0/)
    expect(await p.json(['user', 'remove', 'carol@example.test', '--yes'])).toEqual({ address: 'carol@example.test' })
    expect(await account('carol@example.test')).toBeUndefined()
  })

  test.each([
    ['an account twice', ['user', 'add', 'alice@example.test', '--generate'], 1, /alice@example\.test/],
    ['an address that is none', ['user', 'add', 'alice', '--generate'], 2, /expected an address/],
    ['a password with no terminal to ask at', ['user', 'add', 'dave@example.test'], 2, /--password-stdin/],
    ['a quota that is none', ['user', 'set', 'alice@example.test', '--quota', 'much'], 2, /expected a size/],
    ['a removal that nobody confirmed', ['user', 'remove', 'alice@example.test'], 2, /--yes/],
    ['an account of the config', ['user', 'remove', 'alice@example.test', '--yes'], 1, /config/],
    [
      'an account that is not there',
      ['user', 'show', 'nobody@example.test'],
      1,
      /there is no account nobody@example\.test/,
    ],
  ])('%s is refused', async (_, args, code, message) => {
    const ran = await p.mailserver(...args)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
  })
})

test('mailboxes are shared, and no longer', async () => {
  const [alice, bob] = ['alice@example.test', 'bob@example.test']
  await p.json(['acl', 'set', alice, 'Archive', bob, 'rl'])
  await p.json(['acl', 'set', alice, 'Archive', bob, 'sw', '--add'])
  await p.json(['acl', 'set', alice, 'Archive', 'anyone', 'lp', '--deny'])
  expect((await p.mailserver('acl', 'list', alice)).stdout).toMatch(
    /MAILBOX +FOR +RIGHTS\nArchive +bob@example\.test +lrsw\nArchive +anyone +none of lp/,
  )
  await p.json(['acl', 'remove', alice, 'Archive', 'anyone', '--deny'])
  expect(await p.json(['acl', 'remove', alice, 'Archive', bob])).toEqual({ entries: [] })
  const refusals = [
    [['set', alice, 'Archive', alice, 'lr'], 1, 'owns it'],
    [['set', alice, 'Nowhere', bob, 'lr'], 1, 'Nowhere'],
    [['set', alice, 'Archive', 'nobody@example.test', 'lr'], 1, 'there is no account nobody@example.test'],
    [['set', alice, 'Archive', bob, 'lq'], 2, 'expected letters of'],
  ] as const
  const refused = await Promise.all(refusals.map(([words]) => p.mailserver('acl', ...words)))
  for (const [at, [, code, why]] of refusals.entries()) {
    expect(refused[at]).toMatchObject({ code, stderr: expect.stringContaining(why) })
  }
})

test('aliases and domains are added, listed and removed', async () => {
  await p.json(['domain', 'add', 'Example.ORG', '--catch-all', 'alice@example.test'])
  await p.json(['alias', 'add', 'team@example.org', 'alice@example.test', 'bob@example.test'])
  expect((await p.mailserver('alias', 'list')).stdout).toMatch(
    /team@example\.org +alice@example\.test, bob@example\.test +store/,
  )
  expect((await p.mailserver('domain', 'list')).stdout).toMatch(/example\.org +alice@example\.test +\+ +store/)
  await p.json(['alias', 'remove', 'team@example.org'])
  await p.json(['domain', 'remove', 'example.org'])
  expect(await p.json(['alias', 'list'])).toEqual({ aliases: [] })
})

describeWith(['curl'], 'queue', () => {
  test('entries are listed, held, released and removed by filters', async () => {
    await p.json(['queue', 'pause'])
    const people = ['dora@example.net', 'emil@example.net', 'fred@example.com']
    const rcpt = people.map((person) => `--mail-rcpt ${person}`).join(' ')
    const sent = await run('sh', ['-c', (card.send ?? '').replace('--mail-rcpt alice@example.test', rcpt)])
    expect(sent).toMatchObject({ code: 0, stderr: '' })

    const { entries } = await p.json<Entries>(['queue', 'list'])
    expect(entries.map(({ recipient }) => recipient).toSorted()).toEqual(people)
    expect(await p.json(['queue', 'hold', '--domain', 'example.net'])).toEqual({ changed: 2, delivering: 0 })
    const held = await p.json<Entries>(['queue', 'list', '--state', 'held'])
    expect(held.entries).toHaveLength(2)
    expect((await p.mailserver('queue', 'show', held.entries[0]?.id ?? '')).stdout).toMatch(
      /State +held, tried 0 times/,
    )
    expect(await p.json(['queue', 'release', '--recipient', 'dora@example.net'])).toEqual({ changed: 1, delivering: 0 })
    expect((await p.mailserver('queue', 'list', '-n', '1')).stdout).toMatch(/… and more/)

    expect(await p.mailserver('queue', 'remove')).toMatchObject({ code: 2, stderr: expect.stringContaining('--all') })
    expect(await p.json(['queue', 'remove', '--all'])).toEqual({ changed: 3, delivering: 0 })
    expect((await p.mailserver('queue', 'list')).stdout).toBe('Nothing waits.\n')
    expect(await p.json(['queue', 'resume'])).toEqual({ all: false, destinations: [] })
  })
})

test('plugins are listed in the order they start, and shown with their options', async () => {
  const { plugins } = await p.json<{ plugins: { name: string }[] }>(['plugins', 'list'])
  const names = plugins.map(({ name }) => name)
  expect(names.indexOf('level')).toBeLessThan(names.indexOf('store'))
  expect(await p.json(['plugins', 'info', 'imap'])).toMatchObject({
    name: 'imap',
    options: { listen: ['tls://127.0.0.1:0'] },
  })
  expect((await p.mailserver('plugins', 'info', 'sieve')).stderr).toContain('there is no plugin sieve in the config')
  expect(await p.json(['plugins', 'order'])).toEqual({ hooks: expect.any(Array) })
})

test('config print shows every default and no secret', async () => {
  expect(await p.json(['config', 'print'])).toMatchObject({
    hostname: 'mail.example.test',
    limits: { drainMs: 1000, recipients: 1000 },
    accounts: [{ address: 'alice@example.test', password: '[made at the first start]' }, expect.anything()],
  })
})

test('an open session is listed', async () => {
  expect(await p.json(['sessions', '--protocol', 'imap'])).toEqual({ sessions: [], total: 0 })
})
