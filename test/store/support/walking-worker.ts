/** A worker thread that walks at random in one account, beside others that do the same, and notes what it hears. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../../src/kernel/clock.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { createMailStore } from '../../../src/store/create-mail-store.ts'
import { accountKey } from '../../../src/store/layout.ts'
import type { AccountId } from '../../../src/store/mail-store.ts'
import { decodeAccount } from '../../../src/store/records/account-record.ts'
import { createStoreContext } from '../../../src/store/store-context.ts'
import { seeded } from '../../../src/testing/mail-store-contract/walk-model.ts'
import { collect, newMessage } from '../../../src/testing/mail-store-contract/world.ts'
import { openStore } from '../../plugins/level/open-store.ts'

const port = parentPort as NonNullable<typeof parentPort>
const { dataDir, shared, worker } = workerData as { dataDir: string; shared: unknown; worker: number }
// Before any wait: a listener keeps the thread alive while timers that do not are all it waits for.
port.on('message', async (order: 'walk' | 'report' | 'close') => {
  if (order === 'walk') {
    await Promise.all([1, 2, 3, 4].map((number) => session(worker * 10 + number)))
    port.postMessage({ walked: true })
  } else if (order === 'report') {
    port.postMessage(await report())
  } else {
    await close()
    port.close()
  }
})
const account = 'account-1' as AccountId

const { engine, blobStore: blobs, close } = await openStore(dataDir, { shared, worker })
const store = createMailStore(createStoreContext({ engine, blobs, clock: systemClock, log: silentLog }))
await store.createAccount(account)
const mailboxes = await Promise.all(['INBOX', 'Archive'].map(async (name) => (await store.mailbox(account, name)).id))
const [inbox, archive] = mailboxes as [never, never]
const heard: string[] = []
store.watch(account, (event) => {
  if ('uids' in event) heard.push(`${event.modSeq} ${event.kind} ${event.mailbox} ${event.uids}`)
})

async function session(seed: number): Promise<void> {
  const random = seeded(seed)
  for (let round = 0; round < 40; round++) {
    const uids = [1 + random(80), 1 + random(80)]
    const kind = random(5)
    if (kind <= 1) await store.append(account, inbox, [newMessage(await blobs.write(Buffer.from('x')), 1 + random(99))])
    else if (kind === 2) await store.setFlags(account, inbox, uids, { mode: 'add', flags: ['\\Seen', `k${random(4)}`] })
    else if (kind === 3) await store.move(account, inbox, uids, archive)
    else await store.expunge(account, archive, uids)
  }
}

/** What is there now: everything that must agree with everything else, and with what the others see. */
async function report() {
  const record = decodeAccount((await engine.get(accountKey(account))) as Buffer)
  const contents = await Promise.all(
    mailboxes.map(async (mailbox) => {
      const states = await collect(store.states(account, mailbox))
      const { messages, unseen, size } = await store.status(account, mailbox)
      const bytes = states.reduce((sum, state) => sum + state.size, 0)
      const fresh = states.filter(({ flags }) => !flags.includes('\\Seen')).length
      return {
        mailbox,
        uids: states.map(({ uid }) => uid),
        counters: [messages, unseen, size],
        recount: [states.length, fresh, bytes],
      }
    }),
  )
  return { heard, reached: record.modSeq, used: record.usedMessages, contents }
}

port.postMessage({ ready: true })
