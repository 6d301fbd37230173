import { z } from 'zod'
import { type Account, directory } from '../../directory/directory.ts'
import { formatAddress } from '../../mail/address.ts'
import { mailStore } from '../../store/mail-store.ts'
import { IndexFeed } from '../../store/search/index-feed.ts'
import { searchIndex } from '../../store/search-index.ts'
import { storeContext } from '../../store/store-context.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'
import { addressParameter } from './address-parameter.ts'
import { accountOf } from './store/accounts.ts'
import { begunTask } from './tasks.ts'

const indexedAccount = z.object({
  account: z.string(),
  messages: z.number().describe('Messages of the account'),
  indexed: z.number().describe('Those whose text the index finds'),
  skipped: z.number().describe('Those that are too long for it or cannot be read'),
  octets: z.number().describe('Size of the index'),
})

export type IndexedAccountView = z.infer<typeof indexedAccount>

export const statusRoute = defineRoute({
  method: 'GET',
  path: '/search',
  summary: 'How much of the mail the search index knows, by account',
  query: z.object({ account: addressParameter().optional() }),
  response: z.object({ accounts: z.array(indexedAccount) }),
  async run(context: ControlContext, { query }) {
    const index = context.service(searchIndex)
    const store = context.service(mailStore)
    const accounts: IndexedAccountView[] = []
    for (const { id, address } of await chosen(context, query)) {
      const [{ usedMessages }, { messages, skipped, octets }] = await Promise.all([store.quota(id), index.figures(id)])
      accounts.push({ account: formatAddress(address), messages: usedMessages, indexed: messages, skipped, octets })
    }
    return { accounts }
  },
})

export const rebuildRoute = defineRoute({
  method: 'POST',
  path: '/search/rebuild',
  summary: 'Begins to make the search index anew, account by account',
  body: z.strictObject({ account: addressParameter().optional() }),
  response: begunTask,
  async run(context: ControlContext, { body }) {
    const index = context.service(searchIndex)
    const store = context.service(mailStore)
    const feed = new IndexFeed(context.service(storeContext), store, index)
    const accounts = await chosen(context, body)
    return context.tasks.begin(async ({ signal, progress }) => {
      let done = 0
      let total = 0
      for (const { id } of accounts) total += (await store.quota(id)).usedMessages
      for (const { id } of accounts) {
        signal.throwIfAborted()
        await feed.rebuild(id, signal, (messages) => {
          done += messages
          progress({ phase: 'indexing', done, total: Math.max(done, total) })
        })
      }
      return { accounts: accounts.length, messages: done }
    })
  },
})

export const searchRoutes = [statusRoute, rebuildRoute] as const

async function chosen(
  context: ControlContext,
  { account }: { readonly account?: Account['address'] | undefined },
): Promise<readonly Account[]> {
  return account === undefined ? context.service(directory).accounts() : [await accountOf(context, account)]
}
