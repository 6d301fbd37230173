import { type AccountId, type Engine, indexMessage } from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { describe, expect, it } from 'vitest'
import { scratch } from '../../support/peer.ts'
import { openMaildir } from './open-maildir.ts'
import { octetsOf } from './traffic.ts'

const alice = 'alice' as AccountId

/** A message that was moved in the store, and whose file is moved in the moment in which the journal has been read. */
async function moving(path: string) {
  const memory = memoryEngine()
  let afterScan: (() => Promise<void>) | undefined
  const engine: Engine = {
    ...memory,
    async *scan(range) {
      yield* memory.scan(range)
      const then = afterScan
      afterScan = undefined
      await then?.()
    },
  }
  const mail = await openMaildir({ engine, blobs: memoryBlobStore(), path, withoutKeeper: true })
  await mail.store.createAccount(alice)
  const octets = octetsOf('one', 100)
  const [inbox, archive] = [await mail.store.mailbox(alice, 'INBOX'), await mail.store.mailbox(alice, 'Archive')]
  const blob = await mail.blobs.write(octets)
  await mail.store.append(alice, inbox.id, [{ blob, index: indexMessage(octets), flags: [], internalDate: 0 }])
  await mail.keeper.settle(alice)
  await mail.store.move(alice, inbox.id, [1], archive.id)
  const [record] = await mail.store.records(alice, archive.id, [1])
  afterScan = () => mail.keeper.settle(alice)
  return { mail, octets, ref: record?.blob as NonNullable<typeof record>['blob'] }
}

describe('a message whose file is moved while it is looked for', () => {
  it('is read where it has come to', async () => {
    using directory = scratch('maildir-moving')
    const { mail, octets, ref } = await moving(directory.path)
    await using _ = mail
    expect((await mail.blobs.read(ref)).equals(octets)).toBe(true)
  })

  it('is streamed from there', async () => {
    using directory = scratch('maildir-moving')
    const { mail, octets, ref } = await moving(directory.path)
    await using _ = mail
    const pieces: Buffer[] = []
    for await (const piece of mail.blobs.stream(ref)) pieces.push(piece as Buffer)
    expect(Buffer.concat(pieces).equals(octets)).toBe(true)
  })
})
