import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { mailProject } from './mail-project.ts'

// Every command is a process of its own, and runs from its sources.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

test('verify, stats and compact work without a server and with one', async () => {
  await using p = mailProject()
  const alone = await p.json<{ ok: boolean; seen: { accounts: number } }>(['store', 'verify'])
  expect(alone).toMatchObject({ ok: true, damages: 0, findings: [], seen: { accounts: 2 } })
  await p.json(['start', '--detach'])
  const [verified, stats, compacted] = await Promise.all([
    p.mailserver('store', 'verify', '--account', 'alice@example.test'),
    p.json<{ accounts: { account: string }[] }>(['store', 'stats']),
    p.json(['store', 'compact']),
  ])
  expect(verified.stdout).toContain('No damage.')
  expect(stats.accounts.map(({ account }) => account).toSorted()).toEqual(['alice@example.test', 'bob@example.test'])
  expect(compacted).toMatchObject({ isNeeded: expect.any(Boolean) })
  const unknown = await p.mailserver('store', 'verify', '--account', 'nobody@example.test')
  expect(unknown.code).toBe(1)
  expect(unknown.stderr).toContain('there is no account nobody@example.test')
  await p.json(['stop'])
})

test('a backup of one server becomes another, with passwords, aliases and the queue', async () => {
  await using p = mailProject()
  const added = await p.json<{ password: string }>(['user', 'add', 'carol@example.test', '--generate'])
  await p.json(['alias', 'add', 'info@example.test', 'carol@example.test'])
  const backup = `${p.dir}/backup`
  expect(await p.json(['store', 'backup', backup])).toMatchObject({ accounts: 3, missing: 0 })
  await p.json(['start', '--detach'])
  expect(await p.json(['store', 'backup', 'backup', '--keep', '1'])).toMatchObject({
    removedPoints: [expect.any(String)],
  })
  expect((await p.mailserver('store', 'backup', backup, '--verify')).stdout).toContain('No damage.')
  await p.json(['stop'])

  await using other = mailProject()
  const restored = await other.json<{ accounts: { account: string; how: string }[] }>(['store', 'restore', backup])
  expect(restored.accounts.map(({ how }) => how)).toEqual(['as it was', 'as it was', 'as it was'])
  const { aliases } = await other.json<{ aliases: { address: string }[] }>(['alias', 'list'])
  expect(aliases.map(({ address }) => address)).toContain('info@example.test')
  await other.json(['start', '--detach'])
  const again = await other.json(['store', 'restore', backup, '--account', 'carol@example.test'])
  expect(again).toMatchObject({ accounts: [{ account: 'carol@example.test' }] })
  expect(added.password).toBeTruthy()
  const { stdout } = await other.mailserver('user', 'show', 'carol@example.test')
  expect(stdout).toContain('info@example.test')
  expect((await other.mailserver('store', 'restore', '/nowhere')).stderr).toContain('/nowhere has no backup')
  await other.json(['stop'])
})

test('mail goes out of one account and into another as files, beside a running server', async () => {
  await using p = mailProject()
  writeFileSync(
    join(p.dir, 'old.mbox'),
    'From a@example.test Sat Feb 29 12:30:15 2020\nSubject: old\nStatus: RO\n\nhello\n',
  )
  await p.json(['start', '--detach'])
  const imported = await p.json(['store', 'import', 'alice@example.test', 'old.mbox', '--mailbox', 'Entwürfe'])
  expect(imported).toMatchObject({ imported: 1, present: 0, skipped: 0 })
  expect(await p.json(['store', 'export', 'alice@example.test', 'out', '--format', 'maildir'])).toMatchObject({
    messages: 1,
  })
  expect(await p.json(['store', 'import', 'bob@example.test', 'out', '--into', 'From Alice'])).toMatchObject({
    imported: 1,
  })
  expect((await p.mailserver('user', 'show', 'bob@example.test')).stdout).toContain('From Alice/Entwürfe')
  const again = await p.mailserver('store', 'export', 'alice@example.test', 'out', '--format', 'mbox')
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is not empty') })
  await p.json(['stop'])
})
