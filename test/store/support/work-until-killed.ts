import { writeSync } from 'node:fs'
import type { AccountId } from '../../../src/store/mail-store.ts'
import { newMessage } from '../../../src/testing/mail-store-contract/world.ts'
import { openLevel, storeOn } from './store-on-level.ts'

/**
 * Appends, flags, moves and expunges without end, and says what was acknowledged, line by line: `+uid` is in INBOX and
 * must be found there, `-uid` is gone from it for good.
 */
const drivers = await openLevel(process.argv[2] as string)
const store = storeOn(drivers)
const account = 'account-1' as AccountId
await store.createAccount(account)
const inbox = (await store.mailbox(account, 'INBOX')).id
const archive = (await store.mailbox(account, 'Archive')).id
const say = (line: string) => writeSync(1, `${line}\n`)

async function session(number: number): Promise<void> {
  for (let round = 0; ; round++) {
    const body = Buffer.from(`message ${number}.${round} ${'x'.repeat(round % 500)}`)
    const message = newMessage(await drivers.blobs.write(body), body.length, round % 3 ? [] : ['\\Seen'])
    const uid = (await store.append(account, inbox, [message]))[0]?.uid as number
    say(`+${uid}`)
    await store.setFlags(account, inbox, [uid], { mode: 'add', flags: ['\\Seen', `k${round % 5}`] })
    if (round % 3 === 0) continue
    say(`?${uid}`)
    if (round % 3 === 1) await store.expunge(account, inbox, [uid])
    else await store.move(account, inbox, [uid], archive)
    say(`-${uid}`)
  }
}

say('ready')
await Promise.all([1, 2, 3, 4].map(session))
