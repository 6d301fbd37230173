import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { MessageStructureObject } from 'imapflow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ImapServer, startImapServer, text } from './imap-server.ts'

const DATA = resolve(import.meta.dirname, '../../../shared/data/messages')
const hasData = (() => {
  try {
    return readdirSync(DATA).length > 0
  } catch {
    return false
  }
})()

let imap: ImapServer
beforeAll(async () => {
  imap = await startImapServer()
})
afterAll(() => imap[Symbol.asyncDispose]())

describe('imapflow', () => {
  it('lists, appends, fetches, searches, flags, moves and is told of new mail', async () => {
    const client = await imap.connect()
    try {
      const names = (await client.list()).map(({ path, specialUse }) => `${path} ${specialUse ?? ''}`.trim())
      expect(names).toEqual(expect.arrayContaining(['INBOX \\Inbox', 'Sent \\Sent', 'Trash \\Trash']))
      await client.mailboxCreate('Flow/Übung')
      const appended = await client.append('Flow/Übung', text('flow-one', 'grüße'), ['\\Seen', '$Work'])
      expect(had(appended).uid).toBe(1)
      await client.append('Flow/Übung', text('flow-two', 'zwei'))
      const lock = await client.getMailboxLock('Flow/Übung')
      try {
        expect(had(client.mailbox).exists).toBe(2)
        const messages = await client.fetchAll('1:*', {
          envelope: true,
          flags: true,
          bodyStructure: true,
          source: true,
        })
        expect(messages.map(({ envelope }) => envelope?.subject)).toEqual(['flow-one', 'flow-two'])
        expect([...(messages[0]?.flags ?? [])].sort()).toEqual(['$Work', '\\Seen'])
        expect(messages[0]?.bodyStructure?.type).toBe('text/plain')
        expect(messages[1]?.source?.toString()).toContain('zwei')
        expect(await client.search({ subject: 'flow-two' })).toEqual([2])
        expect(await client.search({ body: 'GRÜSSE' }, { uid: true })).toEqual([])
        expect(await client.search({ body: 'GRÜßE' }, { uid: true })).toEqual([1])
        await client.messageFlagsAdd('2', ['\\Flagged'])
        const moved = await client.messageMove('1', 'Trash')
        expect(had(moved).uidMap?.get(1)).toBe(1)
        expect(had(client.mailbox).exists).toBe(1)
        await client.messageDelete('1')
        expect(await client.search({ all: true })).toEqual([])
      } finally {
        lock.release()
      }
      await client.mailboxOpen('INBOX')
      const exists = new Promise((resolveExists) => client.once('exists', resolveExists))
      const idling = client.idle()
      await imap.deliver('alice@example.test', 'INBOX', text('pushed', 'now'))
      expect(await exists).toMatchObject({ path: 'INBOX' })
      await client.noop()
      await idling
      await client.mailboxDelete('Flow/Übung')
    } finally {
      await client.logout()
    }
  })

  it('comes from clear text to TLS by STARTTLS', async () => {
    const client = await imap.connect({ secure: false, user: 'bob@example.test' })
    expect(client.secureConnection).toBe(true)
    expect((await client.status('INBOX', { messages: true }))?.messages).toBe(0)
    await client.logout()
  })

  it.skipIf(!hasData)('gets real messages back byte for byte (needs ../shared/data)', async () => {
    const files = readdirSync(DATA).flatMap((dir) =>
      readdirSync(join(DATA, dir)).map((name) => readFileSync(join(DATA, dir, name))),
    )
    expect(files.length).toBeGreaterThan(100)
    const client = await imap.connect({ user: 'bob@example.test' })
    try {
      await client.mailboxCreate('Real')
      for (const octets of files) await client.append('Real', octets)
      await client.mailboxOpen('Real')
      const back: Buffer[] = []
      for await (const message of client.fetch('1:*', {
        source: true,
        envelope: true,
        bodyStructure: true,
        size: true,
      })) {
        back.push(message.source as Buffer)
        expect(message.size).toBe(message.source?.length)
      }
      expect(back.length).toBe(files.length)
      for (const [at, octets] of files.entries()) expect(back[at]?.equals(octets), `message ${at}`).toBe(true)
      // Every part that the structure names can be had.
      const structures = await client.fetchAll('1:*', { bodyStructure: true })
      for (const { seq, bodyStructure } of structures) {
        const parts = leavesOf(bodyStructure)
        const message = await client.fetchOne(String(seq), { bodyParts: parts })
        for (const part of parts) {
          expect(had(message).bodyParts?.get(part), `part ${part} of message ${seq}`).toBeInstanceOf(Buffer)
        }
      }
    } finally {
      await client.logout()
    }
  })
})

/** Numbers of the parts that hold no other parts. */
function leavesOf(node: MessageStructureObject | undefined): string[] {
  if (node === undefined) return []
  if (node.childNodes !== undefined && node.childNodes.length > 0) return node.childNodes.flatMap(leavesOf)
  return [node.part ?? '1']
}

/** imapflow answers false where there is nothing. */
function had<T>(value: T | false | undefined): T {
  if (value === false || value === undefined) throw new Error('imapflow had no answer')
  return value
}
