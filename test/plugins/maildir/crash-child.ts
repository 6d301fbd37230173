import { openSync, writeSync } from 'node:fs'
import { type AccountId, indexMessage } from 'mailserver'
import { openStore } from '../level/open-store.ts'
import { openMaildir } from './open-maildir.ts'

/**
 * Works on mailboxes until it is killed, and tells what was acknowledged: one line for each message and what became of it.
 * In a file, where each line is before the next step is taken; what waits for a slow reader of a pipe goes with the process.
 */
const [path = '', round = '0', toldFile = ''] = process.argv.slice(2)
const told = openSync(toldFile, 'a')
const tell = (what: 'kept' | 'going', name: string) => void writeSync(told, `${what} ${name}\n`)
const alice = 'alice' as AccountId
const { engine, blobStore } = await openStore(`${path}/data`)
const { store, keeper } = await openMaildir({ engine, blobs: blobStore, path: `${path}/mail` })
await store.createAccount(alice)
await keeper.settle(alice)
const inbox = (await store.mailbox(alice, 'INBOX')).id
const archive = (await store.mailbox(alice, 'Archive')).id
process.stdout.write('ready\n')

async function work(worker: number): Promise<never> {
  for (let at = 0; ; at++) {
    const name = `${round}-${worker}-${at}`
    const octets = Buffer.from(`Subject: ${name}\r\n\r\nbody of ${name}\r\n${'x'.repeat((at % 9) * 500)}\r\n`)
    const blob = await blobStore.write(octets)
    const message = { blob, index: indexMessage(octets), flags: at % 2 ? ['\\Seen'] : [], internalDate: Date.now() }
    const [appended] = await store.append(alice, inbox, [message])
    tell('kept', name)
    const uid = appended?.uid as number
    if (at % 3 === 0) await store.move(alice, inbox, [uid], archive)
    else if (at % 3 === 1) await store.setFlags(alice, inbox, [uid], { mode: 'add', flags: ['\\Flagged'] })
    if (at % 5 === 4) {
      tell('going', name)
      await store.expunge(alice, at % 3 === 0 ? archive : inbox, [uid])
    }
  }
}
await Promise.all([0, 1, 2, 3].map(work))
