import type { Log } from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { scratch } from '../../support/peer.ts'
import { audit } from './audit.ts'
import { type Call, disk, faultOf } from './faulty-disk.ts'
import { openMaildir } from './open-maildir.ts'
import { ACCOUNTS, Traffic } from './traffic.ts'

vi.mock('node:fs/promises', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(() => Object.assign(disk, { root: '', fault: undefined }))

/** MAILDIR_FAULTS=1 tries every call, and not each so many of them. */
const STRIDE = Number(process.env.MAILDIR_FAULTS ?? 41)
const ROUNDS = 14
/** Each life takes a second or so. */
const TIMEOUT_MS = 600_000 * Math.ceil(41 / STRIDE)
/** What fails without a word: there is another way, or it is tried again with what comes next. */
const isQuiet = (call: string) => /^(?:link|rmdir) |^unlink \S*\/tmp\//.test(call)

/** The calls of which some fail: what writes, and everything. */
const WRITES = new Set(['writeFile', 'open', 'mkdir', 'link', 'rename', 'truncate', 'sync', 'datasync'])
const FAULTS: readonly (readonly [code: string, where: string, isMeant: (call: Call) => boolean])[] = [
  ['ENOSPC', 'write', ({ kind }) => WRITES.has(kind)],
  ['EIO', 'call', () => true],
  ['EMFILE', 'opening', ({ kind }) => kind === 'open' || kind === 'readdir'],
]

interface Life {
  readonly calls: number
  readonly failed: readonly string[]
}

/** Two accounts are used for a while, and one call after another of those meant fails from `first` to `last`. */
async function live(code: string, isMeant: (call: Call) => boolean, first: number, last: number): Promise<Life> {
  using directory = scratch('maildir-fault')
  let calls = 0
  const failed: string[] = []
  const told: string[] = []
  const tell = (fields: object, text?: string) => told.push(`${text} ${JSON.stringify(fields)}`)
  const log: Log = { ...silentLog, warn: tell, error: tell, child: () => log } as Log
  Object.assign(disk, {
    root: directory.path,
    fault: (call: Call) => {
      if (!isMeant(call)) return undefined
      calls += 1
      if (calls < first || calls > last) return undefined
      failed.push(`${call.kind} ${call.path}`)
      return faultOf(code)
    },
  })
  await using mail = await openMaildir({
    engine: memoryEngine(),
    blobs: memoryBlobStore(),
    path: directory.path,
    log,
    graceMs: 0,
  })
  const traffic = new Traffic({
    store: mail.store,
    blobs: mail.blobs,
    settle: (account) => mail.keeper.settle(account),
    // What the traffic itself is told are faults of looking at the files; none is of the store.
    onError: (error) => {
      expect(String(error)).toContain('made by the test')
      told.push(String(error))
    },
  })
  for (const account of ACCOUNTS) await mail.store.createAccount(account)
  await traffic.run(1, ROUNDS)
  for (const account of ACCOUNTS) await mail.keeper.settle(account).catch((error) => told.push(String(error)))
  disk.fault = undefined
  const what = `${code} at ${first} of ${calls}: ${failed.slice(0, 3).join(', ')}`
  for (const account of ACCOUNTS) await mail.keeper.settle(account)
  expect(await audit(mail, traffic.acknowledged()), `${what}\n${told.join('\n')}`).toEqual([])
  if (!failed.every(isQuiet)) expect(told.join('\n'), what).toContain(code)
  return { calls, failed }
}

describe('a disk that fails once', () => {
  for (const [code, where, isMeant] of FAULTS) {
    it(
      `with ${code} at any one ${where}, says so, loses nothing and goes on`,
      async () => {
        const { calls } = await live(code, isMeant, Infinity, Infinity)
        expect(calls).toBeGreaterThan(50)
        const from = 1 + Math.floor(Math.random() * STRIDE)
        for (let nth = from; nth <= calls; nth += STRIDE) await live(code, isMeant, nth, nth)
      },
      TIMEOUT_MS,
    )
  }
})

describe('a disk that fails for a while', () => {
  for (const [code, where, isMeant] of FAULTS) {
    it(`with ${code} at every ${where}, says so, loses nothing and goes on`, async () => {
      const { calls } = await live(code, isMeant, Infinity, Infinity)
      for (const share of [0.01, 0.2, 0.4, 0.6, 0.8]) await live(code, isMeant, Math.ceil(calls * share), Infinity)
    }, 120_000)
  }
})
