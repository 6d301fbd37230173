import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AccountId, MailboxId } from 'mailserver'
import { expect, it } from 'vitest'
import { scratch } from '../../support/peer.ts'
import { openStore } from '../level/open-store.ts'
import { openMaildir } from './open-maildir.ts'

const child = fileURLToPath(new URL('crash-child.ts', import.meta.url))
const alice = 'alice' as AccountId
/** MAILDIR_CRASHES=200 for a long walk. */
const ROUNDS = Number(process.env.MAILDIR_CRASHES ?? 4)

/** @returns what the child has told */
async function workUntilKilled(path: string, round: number, afterMs: number): Promise<string> {
  const told = join(path, `told-${round}`)
  const process_ = spawn(process.execPath, ['--conditions=source', child, path, String(round), told], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process_.stdout.once('data', () => setTimeout(() => process_.kill('SIGKILL'), afterMs))
  await once(process_, 'close')
  return readFileSync(told, 'utf8')
}

it('loses no acknowledged message and doubles none, wherever it is killed', {
  timeout: 60_000 + ROUNDS * 10_000,
}, async () => {
  using directory = scratch('maildir-crash')
  const kept = new Set<string>()
  const going = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const output = await workUntilKilled(directory.path, round, 150 + ((round * 137) % 600))
    for (const [, what, name] of output.matchAll(/^(kept|going) (\S+)\n/gm)) {
      if (what === 'kept') kept.add(name as string)
      else going.add(name as string)
    }
    // What is visible in the Maildir now, before anything is put right, are whole messages.
    for (const file of messageFiles(join(directory.path, 'mail/alice'))) {
      const text = readFileSync(file, 'utf8')
      expect(text, file).toMatch(/^Subject: (\S+)\n\nbody of \1\nx*\n$/)
    }
  }
  expect(kept.size).toBeGreaterThan(ROUNDS)

  const { engine, blobStore, close } = await openStore(`${directory.path}/data`)
  await using mail = await openMaildir({ engine, blobs: blobStore, path: `${directory.path}/mail`, closeStore: close })
  await mail.keeper.settle(alice)
  await mail.keeper.settle(alice)
  const inStore: string[] = []
  for (const { id } of await mail.store.mailboxes(alice)) inStore.push(...(await subjects(mail.store, id)))
  const inFiles = messageFiles(mail.root(alice)).map((file) => /^Subject: (\S+)/.exec(readFileSync(file, 'utf8'))?.[1])
  expect(new Set(inStore).size).toBe(inStore.length)
  expect([...inFiles].sort()).toEqual([...inStore].sort())
  const there = new Set(inStore)
  expect([...kept].filter((name) => !going.has(name) && !there.has(name))).toEqual([])
  expect(readdirSync(join(mail.root(alice), 'tmp')).filter((name) => there.has(name))).toEqual([])
})

async function subjects(store: Awaited<ReturnType<typeof openMaildir>>['store'], id: MailboxId): Promise<string[]> {
  const found: string[] = []
  for await (const states of store.states(alice, id)) {
    for (const { uid } of states) {
      const [, subject = ''] = /^Subject: (\S+)/.exec((await store.read(alice, id, uid)).toString()) ?? []
      found.push(subject)
    }
  }
  return found
}

function messageFiles(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (entry.name.startsWith('.') || entry.name === 'cur'))
    .flatMap(({ name }) => (name === 'cur' ? [root] : [join(root, name)]))
    .flatMap((folder) => ['new', 'cur'].map((place) => join(folder, place)))
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path).map((name) => join(path, name)))
}
