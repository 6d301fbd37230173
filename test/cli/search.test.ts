import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { eventually } from '../support/peer.ts'
import { mailProject } from './mail-project.ts'

// Every command is a process of its own, and runs from its sources.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

interface Status {
  readonly accounts: readonly { readonly account: string; readonly messages: number; readonly indexed: number }[]
}

test('the index is made by a running server, shown, and made anew with and without one', async () => {
  await using p = mailProject()
  const none = await p.mailserver('search', 'status')
  expect(none.code).not.toBe(0)
  expect(none.stderr).toContain('core:search-index')
  const config = join(p.dir, 'mailserver.config.ts')
  const text = readFileSync(config, 'utf8')
  writeFileSync(
    config,
    `import { fts } from 'mailserver/plugins/fts'\n${text.replace('    level(),', '    level(),\n    fts(),')}`,
  )
  writeFileSync(join(p.dir, 'one.mbox'), 'From a@example.test Sat Feb 29 12:30:15 2020\nSubject: one\n\nhello\n')
  await p.json(['store', 'import', 'alice@example.test', 'one.mbox'])
  expect(await p.json(['search', 'rebuild'])).toMatchObject({ accounts: 2, messages: 1 })
  await p.json(['start', '--detach'])
  await p.json(['store', 'import', 'bob@example.test', 'one.mbox'])
  await eventually(async () => {
    const { accounts } = await p.json<Status>(['search', 'status'])
    return accounts.length === 2 && accounts.every(({ messages, indexed }) => messages === 1 && indexed === 1)
  }, 30_000)
  expect(await p.json(['search', 'rebuild', '--account', 'bob@example.test'])).toMatchObject({ messages: 1 })
  expect((await p.mailserver('search', 'status')).stdout).toMatch(/alice@example\.test +1 +1 +0/)
  await p.json(['stop'])
})
