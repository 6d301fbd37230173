import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AccountId, MailboxId, MailStore } from '../../src/store/mail-store.ts'
import { collect, countKeys, statesIn } from '../../src/testing/mail-store-contract/world.ts'
import { scratch } from '../support/peer.ts'
import { openLevel, storeOn } from './support/store-on-level.ts'

const SCRIPT = join(import.meta.dirname, 'support/work-until-killed.ts')
const account = 'account-1' as AccountId

/** Lets the worker acknowledge `count` lines, kills it with SIGKILL, and returns every line it said. */
async function workAndKill(path: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--conditions=source', SCRIPT, path], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let faults = ''
  child.stderr.on('data', (chunk: Buffer) => {
    faults += chunk
  })
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
    if (output.split('\n').length > count) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  expect(signal, faults).toBe('SIGKILL')
  return output.split('\n').slice(0, -1)
}

async function recount(store: MailStore, mailbox: MailboxId) {
  const states = await collect(store.states(account, mailbox))
  expect(statesIn(await store.columns(account, mailbox))).toEqual(states)
  const status = await store.status(account, mailbox)
  expect(status).toMatchObject({
    messages: states.length,
    unseen: states.filter(({ flags }) => !flags.includes('\\Seen')).length,
    size: states.reduce((sum, { size }) => sum + size, 0),
    recent: states.length,
  })
  for (const { uid, size } of states) {
    const bytes = await store.read(account, mailbox, uid)
    expect(bytes.toString()).toMatch(/^message \d+\.\d+ x*$/)
    expect(bytes.length).toBe(size)
  }
  return { states, status }
}

test('loses no acknowledged message, counts right and repeats no UID after a kill -9', {
  timeout: 60_000,
}, async () => {
  using directory = scratch('crash')
  let given = 0
  const kept = new Set<number>()
  for (const count of [40, 150, 333]) {
    const lines = await workAndKill(directory.path, count)
    const uidsOf = (sign: string) => lines.filter((line) => line.startsWith(sign)).map((line) => Number(line.slice(1)))
    const leaving = new Set(uidsOf('?'))
    const gone = uidsOf('-')
    expect(Math.min(...uidsOf('+'))).toBeGreaterThan(given)
    for (const uid of uidsOf('+')) if (!leaving.has(uid)) kept.add(uid)

    const drivers = await openLevel(directory.path)
    try {
      const store = storeOn(drivers)
      const inbox = await recount(store, (await store.mailbox(account, 'INBOX')).id)
      const archive = await recount(store, (await store.mailbox(account, 'Archive')).id)
      const uids = new Set(inbox.states.map(({ uid }) => uid))
      expect([...kept].filter((uid) => !uids.has(uid))).toEqual([])
      expect(gone.filter((uid) => uids.has(uid))).toEqual([])
      given = Math.max(given, ...uidsOf('+'))
      expect(inbox.status.uidNext).toBeGreaterThan(given)

      const total = inbox.states.length + archive.states.length
      expect((await store.quota(account)).usedMessages).toBe(total)
      for (const space of ['mail-state', 'mail-copy', 'mail-index', 'blob-link']) {
        expect(await countKeys(drivers.engine, space), space).toBe(total)
      }
    } finally {
      await drivers.close()
    }
  }
})
