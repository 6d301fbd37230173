import { describe, expect, test } from 'vitest'
import { MailError } from '../../src/errors/mail-error.ts'
import type { BlobRef, BlobStore } from '../../src/store/blob-store.ts'
import type { Key } from '../../src/store/engine.ts'
import { createJourneys } from '../../src/store/journeys/create-journeys.ts'
import { prefixRange } from '../../src/store/key.ts'
import {
  accountKey,
  blobLinkKey,
  countersKey,
  doomedKey,
  grantKey,
  logKey,
  MessageKeys,
  mailboxKey,
  messageOwner,
  StatePageKeys,
  subscriptionKey,
} from '../../src/store/layout.ts'
import { decodeAccount, encodeAccount } from '../../src/store/records/account-record.ts'
import { decodeIndex, encodeIndex } from '../../src/store/records/index-codec.ts'
import { decodeCounters, encodeCounters } from '../../src/store/records/mailbox-counters.ts'
import { decodeMailbox, encodeMailbox, mailboxNumber } from '../../src/store/records/mailbox-record.ts'
import { StatePage } from '../../src/store/records/state-page.ts'
import { type Verified, type VerifyRun, verifyStore } from '../../src/store/verify/verify-store.ts'
import { memoryBlobStore } from '../../src/testing/memory-blob-store.ts'
import { ALICE, type SmallStore, smallStore } from './support/small-store.ts'

async function found(small: SmallStore, run: VerifyRun = {}): Promise<Verified[]> {
  const findings: Verified[] = []
  await verifyStore(small.context, run, (finding) => void findings.push(finding))
  return findings
}

const kinds = (findings: readonly Verified[]) => findings.map(({ kind }) => kind)

async function write(small: SmallStore, key: Key, value: Buffer | undefined): Promise<void> {
  await small.engine.transact([], async (tx) => {
    if (value === undefined) tx.delete(key)
    else tx.put(key, value)
  })
}

async function change<T>(
  small: SmallStore,
  key: Key,
  codec: readonly [(bytes: Buffer) => T, (record: T) => Buffer],
  fn: (record: T) => T,
): Promise<void> {
  const [decode, encode] = codec
  await write(small, key, encode(fn(decode((await small.engine.get(key)) as Buffer))))
}

const ACCOUNT = [decodeAccount, encodeAccount] as const
const COUNTERS = [decodeCounters, encodeCounters] as const
const MAILBOX = [decodeMailbox, encodeMailbox] as const
const NOISE = Buffer.from([250, 1, 2])
const NOTHING = Buffer.alloc(0)

/** Three messages in INBOX, one of them shared with Sent, a journey, a subscription without a mailbox. */
async function filled(blobs: BlobStore = memoryBlobStore()): Promise<SmallStore> {
  const small = await smallStore({ blobs })
  const { store } = small
  await small.add('INBOX', 'one', ['\\Seen'])
  await small.add('INBOX', 'two', ['\\Deleted', 'important'])
  await small.add('INBOX', 'three')
  await store.copy(ALICE, await small.id('INBOX'), [2], await small.id('Sent'))
  await store.setFlags(ALICE, await small.id('INBOX'), [3], { mode: 'add', flags: ['\\Flagged'] })
  await store.setSubscribed(ALICE, 'Not/There', true)
  const journeys = createJourneys({ ...small.context })
  await small.engine.transact([], async (tx) =>
    journeys.beginIn(tx, { id: 'j1', recipients: ['alice@example.test'] }, [{ at: Date.now(), step: 'x', text: 'x' }]),
  )
  return small
}

const number = async (small: SmallStore, name: string) => mailboxNumber(await small.id(name))
const keysIn = async (small: SmallStore, space: 'mail-copy' | 'mail-index', name = 'INBOX') =>
  new MessageKeys(space, ALICE, await number(small, name))
const pageKey = async (small: SmallStore) => new StatePageKeys(ALICE, await number(small, 'INBOX')).of(0)

async function firstKey(small: SmallStore, ...prefix: string[]): Promise<Key> {
  for await (const batch of small.engine.scan(prefixRange(...prefix))) for (const [at] of batch) return at
  throw new Error(`there is no ${prefix}`)
}

interface Case {
  readonly title: string
  readonly damage: (small: SmallStore) => Promise<void>
  /** Kinds that are found, in any order. */
  readonly kinds: readonly string[]
  readonly text: RegExp
  /** What must be true after the repair. */
  readonly after?: (small: SmallStore) => Promise<void>
  /** Kinds that are left after the repair. */
  readonly left?: readonly string[]
}

const cases: readonly Case[] = [
  {
    title: 'an account record that cannot be read',
    damage: (small) => write(small, accountKey(ALICE), NOISE),
    kinds: ['account-record'],
    text: /cannot be opened, and mail for it has to wait/,
    async after(small) {
      expect(await small.store.quota(ALICE)).toMatchObject({ usedMessages: 4 })
      await small.add('INBOX', 'after')
    },
  },
  {
    title: 'an account record that is gone',
    damage: (small) => write(small, accountKey(ALICE), undefined),
    kinds: ['account-record'],
    text: /missing/,
  },
  {
    title: 'a wrong use of space',
    damage: (small) => change(small, accountKey(ALICE), ACCOUNT, (record) => ({ ...record, usedBytes: 1 })),
    kinds: ['account-usage'],
    text: /its quota is applied wrongly/,
  },
  {
    title: 'a MODSEQ above the account’s',
    damage: (small) => change(small, accountKey(ALICE), ACCOUNT, (record) => ({ ...record, modSeq: 5n, logFloor: 0n })),
    kinds: ['account-modseq', 'log-entry'],
    text: /a client that asks for changes may miss some/,
  },
  {
    title: 'a mailbox number above the account’s',
    damage: (small) => change(small, accountKey(ALICE), ACCOUNT, (record) => ({ ...record, lastMailbox: 2 })),
    kinds: ['account-mailbox-number'],
    text: /could take the place of an old one/,
    after: async (small) => expect(mailboxNumber((await small.store.createMailbox(ALICE, 'New')).id)).toBe(7),
  },
  {
    title: 'a UIDVALIDITY above the account’s',
    damage: (small) => change(small, accountKey(ALICE), ACCOUNT, (record) => ({ ...record, lastUidValidity: 2 })),
    kinds: ['account-uidvalidity'],
    text: /two mailboxes could get the same/,
  },
  {
    title: 'a mailbox record that cannot be read',
    damage: (small) => write(small, mailboxKey(ALICE, 'Sent'), NOISE),
    kinds: ['mailbox-record', 'mailbox-nameless', 'account-usage'],
    text: /nobody can open it/,
    async after(small) {
      const { id } = await small.store.mailbox(ALICE, 'Recovered/m3')
      expect(await small.store.status(ALICE, id)).toMatchObject({ messages: 1 })
    },
  },
  {
    title: 'a mailbox that lost its name and its counters',
    async damage(small) {
      const sent = await number(small, 'Sent')
      await write(small, mailboxKey(ALICE, 'Sent'), undefined)
      await write(small, countersKey(ALICE, sent), undefined)
    },
    kinds: ['mailbox-nameless', 'account-usage'],
    text: /its messages are there and nobody can see them/,
    async after(small) {
      const { id } = await small.store.mailbox(ALICE, 'Recovered/m3')
      expect(await small.store.status(ALICE, id)).toMatchObject({ messages: 1, deleted: 1 })
    },
  },
  {
    title: 'an INBOX that is gone',
    async damage(small) {
      await small.store.expunge(ALICE, await small.id('INBOX'), [1, 2, 3])
      const inbox = await number(small, 'INBOX')
      await write(small, mailboxKey(ALICE, 'INBOX'), undefined)
      await write(small, countersKey(ALICE, inbox), undefined)
    },
    kinds: ['inbox-missing'],
    text: /mail for it cannot be delivered/,
    after: async (small) => void (await small.add('INBOX', 'again')),
  },
  {
    title: 'a special use that does not exist, and one that two have',
    async damage(small) {
      await change(small, mailboxKey(ALICE, 'Archive'), MAILBOX, (record) => ({
        ...record,
        specialUse: 'sent' as const,
      }))
      await change(small, mailboxKey(ALICE, 'Junk'), MAILBOX, (record) => ({ ...record, specialUse: 'x' as never }))
    },
    kinds: ['special-use', 'special-use'],
    text: /clients may file mail into the wrong one/,
  },
  {
    title: 'a mailbox in use that is marked as deleted',
    damage: async (small) => write(small, doomedKey(ALICE, await number(small, 'INBOX')), NOTHING),
    kinds: ['mailbox-doomed'],
    text: /would be swept away/,
    after: async (small) => expect((await small.store.status(ALICE, await small.id('INBOX'))).messages).toBe(3),
  },
  {
    title: 'a subscription that can be no name',
    damage: (small) => write(small, subscriptionKey(ALICE, 'a//b'), NOTHING),
    kinds: ['subscription'],
    text: /no mailbox can have/,
    after: async (small) => expect(await small.store.subscriptions(ALICE)).toContain('Not/There'),
  },
  {
    title: 'a grant that is missing, and one that leads nowhere',
    async damage(small) {
      const acl = [{ subject: 'anyone', isNegative: false, rights: 'lr' }] as const
      await change(small, mailboxKey(ALICE, 'Archive'), MAILBOX, (record) => ({ ...record, acl }))
      await write(small, grantKey('bob' as never, ALICE, 99), NOTHING)
    },
    kinds: ['grant-missing', 'grant-orphan'],
    text: /shared with anyone, who does not find it/,
  },
  {
    title: 'counters that are gone',
    damage: async (small) => write(small, countersKey(ALICE, await number(small, 'INBOX')), undefined),
    kinds: ['mailbox-counters'],
    text: /nobody can open the mailbox/,
    async after(small) {
      const status = await small.store.status(ALICE, await small.id('INBOX'))
      expect(status).toMatchObject({ messages: 3, unseen: 2, deleted: 1, recent: 0 })
      expect(status.uidNext).toBeGreaterThan(1_000_000)
    },
  },
  {
    title: 'two UIDVALIDITYs of one mailbox',
    damage: async (small) =>
      change(small, countersKey(ALICE, await number(small, 'INBOX')), COUNTERS, (counters) => ({
        ...counters,
        uidValidity: 7,
      })),
    kinds: ['mailbox-uidvalidity'],
    text: /take one message for another/,
  },
  {
    title: 'wrong counts, a UIDNEXT that is too low, a HIGHESTMODSEQ that is too low',
    damage: async (small) =>
      change(small, countersKey(ALICE, await number(small, 'INBOX')), COUNTERS, (counters) => ({
        ...counters,
        messages: 9,
        unseen: 0,
        lastUid: 1,
        highestModSeq: 1n,
      })),
    kinds: ['mailbox-counts'],
    text: /messages 9 instead of 3, unseen 0 instead of 2, highest UID 1 instead of 3, HIGHESTMODSEQ 1 instead of/,
    async after(small) {
      const status = await small.store.status(ALICE, await small.id('INBOX'))
      expect(status).toMatchObject({ messages: 3, unseen: 2, uidNext: 4 })
    },
  },
  {
    title: 'a state that is gone',
    async damage(small) {
      const at = await pageKey(small)
      const page = StatePage.decode(0, (await small.engine.get(at)) as Buffer)
      page.remove(page.find(2))
      await write(small, at, page.encode())
    },
    kinds: ['state-record', 'mailbox-counts', 'account-usage'],
    text: /the flags and the date of message 2 in INBOX are missing/,
    after: async (small) => expect((await small.store.status(ALICE, await small.id('INBOX'))).messages).toBe(3),
  },
  {
    title: 'states that cannot be read',
    damage: async (small) => write(small, await pageKey(small), NOISE),
    kinds: ['state-record', 'state-record', 'state-record', 'mailbox-counts', 'account-usage'],
    text: /unreadable: clients do not see the message/,
  },
  {
    title: 'a copy that is gone while a link still leads to the bytes',
    damage: async (small) => write(small, (await keysIn(small, 'mail-copy')).of(3), undefined),
    kinds: ['copy-record', 'mailbox-counts', 'link-orphan'],
    text: /the message cannot be read/,
    after: async (small) =>
      expect((await small.store.read(ALICE, await small.id('INBOX'), 3)).toString()).toContain('three'),
  },
  {
    title: 'a copy that is gone without a trace of the bytes',
    async damage(small) {
      const [record] = await small.store.records(ALICE, await small.id('INBOX'), [3])
      const owner = messageOwner(ALICE, await number(small, 'INBOX'), 3)
      await write(small, blobLinkKey(record?.blob as BlobRef, owner), undefined)
      await write(small, (await keysIn(small, 'mail-copy')).of(3), undefined)
    },
    kinds: ['copy-record', 'mailbox-counts'],
    text: /message 3 in INBOX/,
    after: async (small) => expect((await small.store.status(ALICE, await small.id('INBOX'))).messages).toBe(2),
  },
  {
    title: 'an index that is gone, and one that cannot be read',
    async damage(small) {
      const keys = await keysIn(small, 'mail-index')
      await write(small, keys.of(1), undefined)
      await write(small, keys.of(2), NOISE)
    },
    kinds: ['index-record', 'index-record'],
    text: /clients cannot list or read it/,
    async after(small) {
      const found: (string | undefined)[] = []
      for await (const batch of small.store.indexes(ALICE, await small.id('INBOX'), [1, 2])) {
        for (const [, { subject }] of batch) found.push(subject)
      }
      expect(found).toEqual(['one', 'two'])
    },
  },
  {
    title: 'an index of other bytes',
    async damage(small) {
      const keys = await keysIn(small, 'mail-index')
      const { envelope, bodyStructure, body, root } = decodeIndex((await small.engine.get(keys.of(3))) as Buffer)
      await write(small, keys.of(3), encodeIndex({ size: 7, envelope, bodyStructure, body, root }))
    },
    kinds: ['message-size', 'index-size', 'mailbox-counts'],
    text: /is said to have \d+ octets and has 7/,
  },
  {
    title: 'a message without a link to its bytes',
    async damage(small) {
      const [record] = await small.store.records(ALICE, await small.id('INBOX'), [1])
      const owner = messageOwner(ALICE, await number(small, 'INBOX'), 1)
      await write(small, blobLinkKey(record?.blob as BlobRef, owner), undefined)
    },
    kinds: ['link-missing'],
    text: /could be cleared away while it is still there/,
  },
  {
    title: 'a link of a message that is gone',
    damage: (small) => write(small, blobLinkKey('memory:1' as BlobRef, messageOwner(ALICE, 2, 99)), NOTHING),
    kinds: ['link-orphan'],
    text: /their room is never taken back/,
  },
  {
    title: 'bytes that are gone',
    async damage(small) {
      const [record] = await small.store.records(ALICE, await small.id('INBOX'), [1])
      await small.blobs.release(record?.blob as BlobRef)
    },
    kinds: ['blob-missing'],
    text: /the bytes of message 1 in INBOX \(\d+ octets\) are gone: it is listed, and who opens it gets an error/,
    after: async (small) => expect((await small.store.status(ALICE, await small.id('INBOX'))).messages).toBe(3),
    left: ['blob-missing'],
  },
  {
    title: 'an entry of the log that cannot be read',
    damage: async (small) => write(small, await firstKey(small, 'mail-log'), Buffer.from([0, 0x80])),
    kinds: ['log-entry'],
    text: /unreadable/,
    after: async (small) =>
      expect(await small.store.changesSince(ALICE, await small.id('INBOX'), 1n)).toMatchObject({ isComplete: false }),
  },
  {
    title: 'an entry of the log that is not counted',
    damage: (small) => write(small, logKey(ALICE, 3n), Buffer.from([3, 0])),
    kinds: ['log-count'],
    text: /cut too early or too late/,
  },
  {
    title: 'a journey without its mark, and a way without its journey',
    async damage(small) {
      await write(small, await firstKey(small, 'journey-expiry'), undefined)
      const way = await firstKey(small, 'journey-found')
      await write(small, Buffer.concat([way.subarray(0, -4), Buffer.from('zz\0\u0001')]), NOTHING)
    },
    kinds: ['journey-mark', 'journey-way'],
    text: /kept for ever/,
  },
  {
    title: 'a journey that cannot be read',
    damage: async (small) => write(small, await firstKey(small, 'journey'), Buffer.from('{')),
    kinds: ['journey-record'],
    text: /mailserver trace cannot show it/,
    left: ['journey-way'],
  },
]

describe('verify names exactly what is wrong, and repairs it', () => {
  test.each(cases)('$title', async ({ damage, kinds: expected, text, after, left = [] }) => {
    const small = await filled()
    expect(await found(small)).toEqual([])
    await damage(small)
    const before = await found(small)
    expect(kinds(before).toSorted()).toEqual([...expected].toSorted())
    expect(before[0]?.text ?? '').toMatch(text)
    expect(kinds(await found(small))).toEqual(kinds(before))

    await found(small, { repair: true })
    expect(kinds(await found(small))).toEqual(left)
    await after?.(small)
  })
})

test('says what a repair did, and that nothing was left to do', async () => {
  const small = await filled()
  await write(small, subscriptionKey(ALICE, 'a//b'), NOTHING)
  expect(await found(small, { repair: true })).toEqual([
    expect.objectContaining({ kind: 'subscription', repaired: 'took the subscription away' }),
  ])
  expect(await found(small, { repair: true })).toEqual([])
})

test('a message whose bytes are damaged stays, or is moved aside with the rest served', async () => {
  const blobs = memoryBlobStore()
  const damaged = new Set<BlobRef>()
  const small = await filled({
    ...blobs,
    writer: () => blobs.writer(),
    stream: (ref, range) => blobs.stream(damaged.has(ref) ? refuse(ref) : ref, range),
    async *readMany(refs) {
      for (const ref of refs) yield* blobs.readMany([damaged.has(ref) ? refuse(ref) : ref])
    },
  })
  const inbox = await small.id('INBOX')
  const [record] = await small.store.records(ALICE, inbox, [1])
  damaged.add(record?.blob as BlobRef)
  const [finding] = await found(small, { repair: true })
  expect(finding).toMatchObject({ kind: 'blob-damaged', mailbox: 'INBOX', uid: 1, canRepair: false })
  expect((await small.store.status(ALICE, inbox)).messages).toBe(3)

  const [moved] = await found(small, { repair: true, moveDamagedTo: 'Damaged' })
  expect(moved?.repaired).toContain('moved it to Damaged')
  expect((await small.store.status(ALICE, inbox)).messages).toBe(2)
  expect(kinds(await found(small, { moveDamagedTo: 'Damaged' }))).toEqual(['blob-damaged'])
  expect(kinds(await found(small, { blobs: false }))).toEqual([])
})

function refuse(ref: BlobRef): never {
  throw new MailError('CORRUPT', `the checksum of ${ref} does not match`)
}

test('finds nothing wrong while messages come and go', async () => {
  const small = await filled()
  let isDone = false
  const traffic = (async () => {
    for (let at = 0; at < 40 || !isDone; at++) {
      const { uid } = await small.add('INBOX', `live-${at}`)
      await small.store.setFlags(ALICE, await small.id('INBOX'), [uid], { mode: 'add', flags: ['\\Seen'] })
      if (at % 2 === 0) await small.store.expunge(ALICE, await small.id('INBOX'), [uid])
      if (at > 500) break
    }
  })()
  for (let round = 0; round < 5; round++) expect(await found(small, { repair: true })).toEqual([])
  isDone = true
  await traffic
  expect(await found(small)).toEqual([])
})

test('ends when it is told to', async () => {
  const small = await filled()
  const stop = AbortSignal.abort(new Error('stop'))
  await expect(found(small, { signal: stop })).rejects.toThrow('stop')
})
