import { memoryStorage } from 'mailserver/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/kernel/clock.ts'
import { Host } from '../../src/kernel/host.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { mailboxChanged } from '../../src/kernel/moments.ts'
import { definePlugin } from '../../src/kernel/plugin.ts'
import { blobStore } from '../../src/store/blob-store.ts'
import { engine } from '../../src/store/engine.ts'
import { journeys } from '../../src/store/journey.ts'
import { localDelivery } from '../../src/store/local-delivery.ts'
import { type AccountId, type Mailbox, mailStore } from '../../src/store/mail-store.ts'
import { storePlugin } from '../../src/store/plugin.ts'
import { countKeys, newMessage } from '../../src/testing/mail-store-contract/world.ts'

const account = 'account-1' as AccountId

async function started(options: { blobGraceMs?: number; journeyMs?: number } = {}) {
  const jobs = new Map<string, (signal: AbortSignal) => Promise<void>>()
  const told: object[] = []
  const listener = definePlugin({
    name: 'listener',
    apiVersion: '^1',
    options: z.object({}),
    setup({ hooks }) {
      hooks.on(mailboxChanged, (change) => void told.push(change))
      hooks.on(mailboxChanged, () => {
        throw new Error('a listener fails')
      })
      return undefined
    },
  })
  const host = new Host({
    plugins: [storePlugin(options), memoryStorage(), listener()],
    server: {
      hostname: 'mx.example.test',
      dataDir: '/nowhere',
      configDir: '/nowhere',
      worker: 0,
      workers: 1,
      mode: 'serve',
      limits: { messageBytes: 2 ** 20, recipients: 100 },
    },
    log: silentLog,
    clock: systemClock,
    jobsFor: () => ({ every: (_, name, fn) => void jobs.set(name, fn) }),
    metricsFor: () => ({}) as never,
  })
  await host.setup()
  await host.start()
  const run = (name: string) => jobs.get(name)?.(new AbortController().signal)
  const store = host.service(mailStore)
  const blobs = host.service(blobStore) as unknown as { readonly count: number }
  return { host, jobs, told, run, store, blobs, engine: host.service(engine) }
}

async function appended({ host, store }: Awaited<ReturnType<typeof started>>): Promise<Mailbox> {
  await store.createAccount(account)
  const inbox = await store.mailbox(account, 'INBOX')
  const blob = await host.service(blobStore).write(Buffer.from('hello'))
  await store.append(account, inbox.id, [newMessage(blob, 5)])
  return inbox
}

test('tells the mailboxChanged hook, and does not mind what its handlers do', async () => {
  const world = await started()
  const inbox = await appended(world)
  await world.store.expunge(account, inbox.id, [1])
  expect(world.told).toEqual([
    { account, kind: 'mailboxes', mailbox: undefined },
    { account, kind: 'appended', mailbox: inbox.id },
    { account, kind: 'expunged', mailbox: inbox.id },
  ])
  await world.host.stop()
})

test('registers its housekeeping as jobs, and releases blobs after the grace time alone', async () => {
  const world = await started({ blobGraceMs: 60_000 })
  const inbox = await appended(world)
  await world.store.expunge(account, inbox.id, [1])
  expect([...world.jobs.keys()].sort()).toEqual([
    'collect-blobs',
    'expire-journeys',
    'free-orphans',
    'sweep-mailboxes',
    'trim-changes',
  ])
  await world.run('collect-blobs')
  expect(world.blobs.count).toBe(1)
  await world.host.stop()

  const hasty = await started({ blobGraceMs: 0 })
  const { id } = await appended(hasty)
  await hasty.store.expunge(account, id, [1])
  await new Promise((resolve) => setTimeout(resolve, 2))
  await hasty.run('collect-blobs')
  expect(hasty.blobs.count).toBe(0)
  await hasty.run('sweep-mailboxes')
  await hasty.host.stop()
})

test('writes the journeys that still wait when it drains, and forgets them when their time is over', async () => {
  const world = await started({ journeyMs: 0 })
  world.host.service(journeys).recordRefused({ id: 'one', recipients: [] }, [{ at: 1, step: 'helo', text: 'no' }])
  expect(await countKeys(world.engine, 'journey')).toBe(0)
  await world.host.drain(new AbortController().signal)
  expect(await countKeys(world.engine, 'journey')).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 2))
  await world.run('expire-journeys')
  expect(await countKeys(world.engine, 'journey')).toBe(0)
  await world.host.stop()
})

async function delivered(world: Awaited<ReturnType<typeof started>>): Promise<void> {
  const plan = await world.host.service(localDelivery).plan({
    id: 'm',
    envelope: { sender: undefined, smtpUtf8: false, eightBit: false, requireTls: false },
    blob: await world.host.service(blobStore).write(Buffer.from('x')),
    index: newMessage('x' as never, 5).index,
    receivedAt: 1,
    isQuarantined: false,
    recipients: [{ account, address: 'a@example.test' }],
  })
  await world.engine.transact(plan.scopes, (tx) => plan.commitIn(tx))
}

test('delivers to INBOX, also where it was renamed, and where the account was removed and made anew', async () => {
  const world = await started()
  await world.store.createAccount(account)
  const count = async (name: string) =>
    (await world.store.status(account, (await world.store.mailbox(account, name)).id)).messages
  await delivered(world)
  await world.store.renameMailbox(account, 'INBOX', 'Old')
  await delivered(world)
  expect([await count('Old'), await count('INBOX')]).toEqual([1, 1])
  await world.store.removeAccount(account)
  await world.store.createAccount(account)
  await delivered(world)
  await delivered(world)
  expect(await count('INBOX')).toBe(2)
  await world.host.stop()
})

test('delivers to mailboxes that its own mail store sees', async () => {
  const world = await started()
  const inbox = await appended(world)
  await delivered(world)
  expect((await world.store.status(account, inbox.id)).messages).toBe(2)
  await world.host.stop()
})

test('refuses options that are no durations', async () => {
  const host = storePlugin({ journeyMs: 'soon' as never })
  const result = await host.spec.options['~standard'].validate(host.options)
  expect(result.issues?.[0]?.message).toContain("expected a duration such as '30s'")
})
