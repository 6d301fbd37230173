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
