import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { restoreBackup } from '../../../src/store/backup/restore-backup.ts'
import { writeBackup } from '../../../src/store/backup/write-backup.ts'
import type { MailStore } from '../../../src/store/mail-store.ts'
import { ALICE, messageOf, smallStore } from '../../store/support/small-store.ts'
import { scratch } from '../../support/peer.ts'
import { openStore } from '../level/open-store.ts'
import { openMaildir } from './open-maildir.ts'

const TIMEOUT_MS = 60_000
const INBOX = 700
const SENT = 300

/** Texts of all messages by mailbox and UID. */
async function textsOf(store: MailStore): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const { id, name } of await store.mailboxes(ALICE)) {
    for await (const states of store.states(ALICE, id)) {
      for (const { uid } of states) texts.set(`${name} ${uid}`, (await store.read(ALICE, id, uid)).toString())
    }
  }
  return texts
}

function filesIn(path: string): number {
  return ['new', 'cur'].reduce((sum, place) => sum + readdirSync(join(path, place)).length, 0)
}

it(
  'brings an account back into Maildirs that are written meanwhile',
  async () => {
    using directory = scratch('maildir')
    const source = await smallStore()
    for (let at = 0; at < INBOX; at++) await source.add('INBOX', `in ${at}`)
    for (let at = 0; at < SENT; at++) await source.add('Sent', `out ${at}`)
    const backup = `${directory.path}/backup`
    await writeBackup(source.context, backup, {
      addressOf: () => 'alice@example.test',
      sections: [],
      onMissing: () => {},
    })

    const { engine, blobStore, close } = await openStore(`${directory.path}/data`)
    const path = `${directory.path}/mail`
    await using opened = await openMaildir({ engine, blobs: blobStore, path, closeStore: close })
    await opened.store.createAccount(ALICE)
    opened.mirror.watch(ALICE)
    const lost: unknown[] = []
    await restoreBackup(opened.context, backup, {
      onLost: (one) => void lost.push(one),
      directory: async () => new Map(),
    })
    expect(lost).toEqual([])
    await expect.poll(() => opened.mirrored.waiting(), { timeout: 30_000 }).toEqual([])
    await opened.mirror.attend(ALICE)

    const texts = await textsOf(opened.store)
    expect(texts).toEqual(await textsOf(source.store))
    expect(texts.get('Sent 1')).toBe(messageOf('out 0').toString())
    const root = opened.root(ALICE)
    expect([filesIn(root), filesIn(join(root, '.Sent'))]).toEqual([INBOX, SENT])
    for (const folder of [root, join(root, '.Sent')]) {
      const list = join(folder, 'dovecot-uidlist')
      await expect.poll(() => existsSync(list)).toBe(true)
      expect(readFileSync(list, 'utf8').trimEnd().split('\n')).toHaveLength(1 + filesIn(folder))
    }
    expect((await opened.store.mailboxes(ALICE)).map(({ name }) => name).sort()).toEqual(
      (await source.store.mailboxes(ALICE)).map(({ name }) => name).sort(),
    )
  },
  TIMEOUT_MS,
)
