import { AsyncResource } from 'node:async_hooks'
import { AccountCommit } from './account-commit.ts'
import type { Transaction } from './engine.ts'
import { type AccountId, accountScope } from './mail-store.ts'
import type { StoreContext } from './store-context.ts'

/** A change that may share a transaction with others of its account. */
export interface SharedChange<T> {
  /** Numbers of the mailboxes whose counters it changes. */
  readonly mailboxes: readonly number[]
  /** Messages that it handles. */
  readonly weight: number
  /** `relaxed` does not wait for the disk. */
  readonly durability: 'durable' | 'relaxed'
  /** May run more than once; what it did before it threw is given up. */
  run(commit: AccountCommit): Promise<T>
}

interface Member extends SharedChange<unknown> {
  readonly settled: PromiseWithResolvers<unknown>
}

/** Changes of one transaction at most. */
const MAX_MEMBERS = 200

/**
 * Changes of an account that come while one is being committed share the next transaction, in the order they came: ten
 * sessions that append wait for one sync, and a hundred pipelined STOREs cost little more than one.
 */
class CommitGroups {
  readonly #context: StoreContext
  readonly #waiting = new Map<AccountId, Member[]>()

  constructor(context: StoreContext) {
    this.#context = context
  }

  commit(account: AccountId, member: Member): void {
    const waiting = this.#waiting.get(account)
    if (waiting !== undefined) {
      waiting.push(member)
      return
    }
    const queue = [member]
    this.#waiting.set(account, queue)
    void this.#work(account, queue)
  }

  async #work(account: AccountId, queue: Member[]): Promise<void> {
    // What is asked for in the same breath shares the first transaction too.
    await undefined
    while (queue.length > 0) await this.#together(account, takeGroup(queue, this.#context.limits.batch))
    this.#waiting.delete(account)
  }

  /** Never rejects. */
  async #together(account: AccountId, group: readonly Member[]): Promise<void> {
    let isAtFault = false
    const results: unknown[] = []
    const work = async (tx: Transaction): Promise<void> => {
      const mailboxes = [...new Set(group.flatMap((member) => member.mailboxes))]
      const commit = await AccountCommit.open(this.#context, tx, account, mailboxes)
      let isChanged = false
      for (const member of group) {
        try {
          results.push(await member.run(commit))
        } catch (cause) {
          isAtFault = true
          throw cause
        }
        if (!commit.takeLeave()) isChanged = true
      }
      if (!isChanged) commit.leave()
      await commit.close()
    }
    try {
      const { engine } = this.#context
      const scopes = [accountScope(account)]
      await (group[0]?.durability === 'durable' ? engine.transact(scopes, work) : engine.transactRelaxed(scopes, work))
    } catch (cause) {
      // Nothing was written when a member threw: each is tried alone, and only the one that cannot be done fails.
      if (isAtFault && group.length > 1) for (const member of group) await this.#together(account, [member])
      else for (const { settled } of group) settled.reject(cause)
      return
    }
    group.forEach(({ settled }, at) => {
      settled.resolve(results[at])
    })
  }
}

/** The first and those behind it that wait for the same, as many as a transaction may hold. */
function takeGroup(queue: Member[], maxWeight: number): Member[] {
  const [first] = queue
  let weight = 0
  let count = 0
  for (const member of queue) {
    weight += member.weight
    if (count > 0 && (count === MAX_MEMBERS || weight > maxWeight || member.durability !== first?.durability)) break
    count += 1
  }
  return queue.splice(0, count)
}

const groups = new WeakMap<StoreContext, CommitGroups>()

/** Commits the change together with whatever of its account waits for the same. */
export function commitShared<T>(context: StoreContext, account: AccountId, change: SharedChange<T>): Promise<T> {
  let own = groups.get(context)
  if (own === undefined) {
    own = new CommitGroups(context)
    groups.set(context, own)
  }
  const settled = Promise.withResolvers<unknown>()
  // A change runs in the context of whoever asked for it, and not of whoever opened the transaction.
  const asker = new AsyncResource('MailboxChange')
  const { mailboxes, weight, durability } = change
  const run = (commit: AccountCommit) => asker.runInAsyncScope(change.run, change, commit)
  own.commit(account, { mailboxes, weight, durability, run, settled })
  return settled.promise as Promise<T>
}
