import assert from 'node:assert/strict'
import { MailError } from '../../errors/mail-error.ts'
import { Handlers } from '../../kernel/handlers.ts'
import type { TransformHook } from '../../kernel/hook.ts'
import { silentLog } from '../../kernel/log.ts'
import { delivery, type Filing } from '../../kernel/moments.ts'
import { createHookRunner } from '../../kernel/run-hooks.ts'
import { createLocalDelivery } from '../../store/delivery/plan-delivery.ts'
import type { DeliveryRequest, LocalDelivery } from '../../store/local-delivery.ts'
import type { AccountId } from '../../store/mail-store.ts'
import { assertMessages, countKeys, fails, inWorld, type MailStoreCase, type World } from './world.ts'

type Context = typeof delivery extends TransformHook<infer _, infer C> ? C : never
type Filter = (filing: Filing, context: Context) => Filing

const other = 'account-2' as AccountId

function deliveryOf({ store, engine }: World, filter?: Filter): LocalDelivery {
  const handlers = new Handlers()
  if (filter !== undefined) {
    handlers.add(delivery, {
      plugin: 'filter',
      stage: 'policy',
      order: 'normal',
      timeoutMs: 1000,
      handle: filter as (...args: unknown[]) => unknown,
    })
  }
  return createLocalDelivery({ store, engine, run: createHookRunner({ handlers, log: silentLog }), log: silentLog })
}

async function requestFor(
  world: World,
  accounts: readonly AccountId[],
  more: Partial<DeliveryRequest> = {},
): Promise<DeliveryRequest> {
  const { blob, index } = await world.message()
  const sender = { local: 'alice', domain: 'example.net' }
  return {
    id: 'message-1',
    envelope: { sender, smtpUtf8: false, eightBit: false, requireTls: false },
    blob,
    index,
    receivedAt: world.clock.now() - 5,
    isQuarantined: false,
    recipients: accounts.map((account, at) => ({ account, address: `user${at}@example.test` })),
    ...more,
  }
}

async function deliver(world: World, local: LocalDelivery, request: DeliveryRequest) {
  const plan = await local.plan(request)
  return world.engine.transact(plan.scopes, (tx) => plan.commitIn(tx))
}

const messagesIn = async ({ store }: World, account: AccountId, name: string) =>
  (await store.status(account, (await store.mailbox(account, name)).id)).messages

export const DELIVERY_CASES: readonly MailStoreCase[] = [
  inWorld('delivers to INBOX, one blob for all, and makes the account if it must', async (world) => {
    const { store, account } = world
    const request = await requestFor(world, [account, other])
    const placed = await deliver(world, deliveryOf(world), request)
    assert.deepEqual(
      placed.map(({ uid }) => uid),
      [1, 1],
    )
    for (const { account: taker, mailbox } of placed) {
      const [record] = await store.records(taker, mailbox, [1])
      assert.deepEqual([record?.internalDate, record?.flags], [request.receivedAt, []])
      assert.deepEqual(await store.read(taker, mailbox, 1), await world.blobs.read(request.blob))
      assert.equal((await store.mailbox(taker, 'INBOX')).id, mailbox)
    }
    const [mine] = await store.records(account, world.inbox, [1])
    const [theirs] = await store.records(other, (await store.mailbox(other, 'INBOX')).id, [1])
    assert.equal(mine?.emailId, theirs?.emailId)
  }),

  inWorld('refuses an account that was removed, and does not bring it back', async (world) => {
    const { store, account } = world
    const request = await requestFor(world, [account, other])
    await store.createAccount(other)
    await store.removeAccount(other)
    const plan = await deliveryOf(world).plan(request)
    const error = plan.refused.get(other)
    assert.equal(error instanceof MailError && error.code, 'RECIPIENT_UNKNOWN')
    assert.deepEqual([...plan.refused.keys()], [other])
    const placed = await world.engine.transact(plan.scopes, (tx) => plan.commitIn(tx))
    assert.deepEqual(
      placed.map((copy) => copy.account),
      [account],
    )
    assert.deepEqual(await store.mailboxes(other), [])
  }),

  inWorld('makes an account that has had limits set and nothing else', async (world) => {
    await world.store.setQuota(other, { maxBytes: 1_000_000 })
    await deliver(world, deliveryOf(world), await requestFor(world, [other]))
    assert.equal(await messagesIn(world, other, 'INBOX'), 1)
  }),

  inWorld('writes nothing before the commit of the caller, and nothing when that fails', async (world) => {
    const plan = await deliveryOf(world).plan(await requestFor(world, [world.account]))
    assert.deepEqual(plan.scopes, [`account:${world.account}`])
    await assert.rejects(
      world.engine.transact(plan.scopes, async (tx) => {
        await plan.commitIn(tx)
        throw new Error('no')
      }),
    )
    assert.equal(await countKeys(world.engine, 'mail-state'), 0)
  }),

  inWorld('delivers once to an account that is reached twice', async (world) => {
    const asked: string[] = []
    const local = deliveryOf(world, (filing, { recipient }) => {
      asked.push(recipient)
      return filing
    })
    const request = await requestFor(world, [world.account, world.account, other, world.account])
    assert.equal((await deliver(world, local, request)).length, 2)
    assert.deepEqual(await world.uids(world.inbox), [1])
    assert.deepEqual(asked.sort(), ['user0@example.test', 'user2@example.test'])
  }),

  inWorld(
    'files quarantined mail in the Junk mailbox, whatever it is called, and makes it when it is gone',
    async (world) => {
      const { store, account } = world
      const request = await requestFor(world, [account], { isQuarantined: true })
      await store.renameMailbox(account, 'Junk', 'Spam')
      await deliver(world, deliveryOf(world), request)
      assert.equal(await messagesIn(world, account, 'Spam'), 1)
      await store.deleteMailbox(account, 'Spam')
      await deliver(world, deliveryOf(world), request)
      assert.equal((await store.mailbox(account, 'Junk')).specialUse, 'junk')
      assert.equal(await messagesIn(world, account, 'Junk'), 1)
    },
  ),

  inWorld('files as the delivery hook says, and makes the mailbox', async (world) => {
    const { store, account } = world
    const local = deliveryOf(world, (filing, context) => {
      assert.deepEqual(filing, { mailbox: 'INBOX', flags: [] })
      assert.equal(context.sender?.domain, 'example.net')
      assert.equal(context.index.subject, 'subject é')
      return { mailbox: `lists/${context.account}`, flags: ['\\Seen', 'List', 'not a flag'] }
    })
    const request = await requestFor(world, [account])
    await Promise.all([deliver(world, local, request), deliver(world, local, request), deliver(world, local, request)])
    const { id } = await store.mailbox(account, `lists/${account}`)
    assert.deepEqual(
      (await world.states(id)).map(({ flags }) => flags),
      Array(3).fill(['\\Seen', 'List']),
    )
  }),

  inWorld('delivers to INBOX what is filed under an impossible name', async (world) => {
    for (const mailbox of ['', 'a//b', 'x'.repeat(300), 'a\u0000']) {
      await deliver(
        world,
        deliveryOf(world, () => ({ mailbox, flags: [] })),
        await requestFor(world, [world.account]),
      )
    }
    assert.deepEqual(await world.uids(world.inbox), [1, 2, 3, 4])
  }),

  inWorld('delivers to INBOX when the mailbox has gone since the plan', async (world) => {
    const { store, account } = world
    const plan = await deliveryOf(world, () => ({ mailbox: 'x', flags: [] })).plan(await requestFor(world, [account]))
    await store.deleteMailbox(account, 'x')
    const [placed] = await world.engine.transact(plan.scopes, (tx) => plan.commitIn(tx))
    assert.deepEqual(placed, { account, mailbox: world.inbox, uid: 1 })
  }),

  inWorld('refuses full accounts beforehand, and takes the rest', async (world) => {
    await world.store.createAccount(other)
    await world.store.setQuota(other, { maxBytes: 10 })
    const plan = await deliveryOf(world).plan(await requestFor(world, [other, world.account]))
    assert.deepEqual([...plan.refused.keys()], [other])
    assert.match(String(plan.refused.get(other)), /no room/)
    assert.deepEqual(plan.scopes, [`account:${world.account}`])
    assert.equal((await world.engine.transact(plan.scopes, (tx) => plan.commitIn(tx))).length, 1)
    await world.store.setQuota(other, { maxMessages: 0 })
    assert.equal((await deliveryOf(world).plan(await requestFor(world, [other]))).refused.size, 1)
  }),

  inWorld('commits nothing when a quota has filled up since the plan', async (world) => {
    const { store, account } = world
    const request = await requestFor(world, [account, other])
    const plan = await deliveryOf(world).plan(request)
    await store.setQuota(other, { maxMessages: 0 })
    await fails(
      'OVER_QUOTA',
      world.engine.transact(plan.scopes, (tx) => plan.commitIn(tx)),
    )
    assert.equal(await countKeys(world.engine, 'mail-state'), 0)
    assert.deepEqual([...(await deliveryOf(world).plan(request)).refused.keys()], [other])
  }),

  inWorld('plans nothing when the hook fails: the sender must try again', async (world) => {
    const local = deliveryOf(world, () => {
      throw new Error('a filter fails')
    })
    await fails('UNAVAILABLE', local.plan(await requestFor(world, [world.account])))
  }),

  inWorld('delivers one message to many accounts in one commit', async (world) => {
    const accounts = Array.from({ length: 100 }, (_, at) => `many-${at}` as AccountId)
    const request = await requestFor(world, accounts)
    assert.equal((await deliver(world, deliveryOf(world), request)).length, 100)
    await assertMessages(world, 100)
  }),
]
