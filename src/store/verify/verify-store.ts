import { setImmediate as nextTurn } from 'node:timers/promises'
import { createMailStore } from '../create-mail-store.ts'
import type { Reader, Snapshot } from '../engine.ts'
import type { AccountId } from '../mail-store.ts'
import type { StoreContext } from '../store-context.ts'
import { withSnapshot } from '../with-snapshot.ts'
import { accountsIn } from './accounts-in.ts'
import type { Damage, Damages, Finding } from './damage.ts'
import { verifyAccount } from './verify-account.ts'
import type { VerifyContext, VerifyOptions } from './verify-context.ts'
import { danglingGrants } from './verify-grants.ts'
import { verifyJourneys } from './verify-journeys.ts'
import { type OwnersCheck, verifyLinks } from './verify-links.ts'

/** A finding, and what came of the repair when one was asked for. */
export interface Verified extends Finding {
  /** What was done. */
  readonly repaired?: string
  /** Why it could not be. */
  readonly failed?: string
  readonly canRepair: boolean
}

/** What another room checks of its own records, in the same run. */
export interface RoomCheck {
  readonly damages: (context: VerifyContext) => Damages
  /** Blob links of its own. */
  readonly owners?: OwnersCheck
}

export interface VerifyRun extends VerifyOptions {
  readonly repair?: boolean | undefined
  readonly rooms?: readonly RoomCheck[]
}

/**
 * Checks every record of the store against every other, and every byte. The damage is looked for in a snapshot, batch by
 * batch, so that a server goes on meanwhile; a repair looks again inside a transaction of what it repairs.
 * @param onFinding told of each damage as it is found, after its repair when one was asked for
 * @returns how much was looked at
 */
export function verifyStore(
  store: StoreContext,
  run: VerifyRun,
  onFinding: OnFinding,
): Promise<Readonly<Record<string, number>>> {
  return withSnapshot(store.engine, (snapshot) => verifyIn(store, snapshot, run, onFinding))
}

type OnFinding = (finding: Verified) => Promise<void> | void

async function verifyIn(
  store: StoreContext,
  snapshot: Snapshot,
  run: VerifyRun,
  onFinding: OnFinding,
): Promise<Readonly<Record<string, number>>> {
  const { repair = false, rooms = [], onProgress, ...options } = run
  const mail = createMailStore(store)
  const seen: Record<string, number> = {}
  let done = 0
  const watched: Reader = {
    get: (key) => snapshot.get(key),
    getMany: (keys) => snapshot.getMany(keys),
    async *scan(range) {
      for await (const batch of snapshot.scan(range)) {
        yield batch
        // Others have their turn between batches.
        done += batch.length
        if (batch.length > 1) await nextTurn()
      }
    },
  }
  const context: VerifyContext = { ...options, store, mail, reader: watched, read: new Map(), seen }
  const take = async (damages: Damages) => {
    for await (const damage of damages) {
      options.signal?.throwIfAborted()
      await onFinding(await settled(damage, repair))
    }
  }
  try {
    const accounts = options.account === undefined ? await accountsIn(watched) : [options.account]
    for (const [at, account] of accounts.entries()) {
      options.signal?.throwIfAborted()
      onProgress?.({ phase: 'accounts', done: at, total: accounts.length })
      const telling = setTelling(onProgress, () => ({ phase: phaseOf(at, accounts), done: seen.messages ?? 0 }))
      await take(verifyAccount(context, account)).finally(telling)
    }
    if (options.account === undefined) {
      const telling = setTelling(onProgress, () => ({ phase: 'records', done }))
      try {
        await take(verifyLinks(context, ownersOf(rooms)))
        await take(danglingGrants(context))
        await take(verifyJourneys(context))
        for (const { damages } of rooms) await take(damages(context))
      } finally {
        telling()
      }
    }
    return seen
  } finally {
    mail.close()
  }
}

const TELL_MS = 250

function setTelling(onProgress: VerifyOptions['onProgress'], progress: () => { phase: string; done: number }) {
  if (onProgress === undefined) return () => {}
  const timer = setInterval(() => onProgress(progress()), TELL_MS)
  return () => clearInterval(timer)
}

const phaseOf = (at: number, accounts: readonly AccountId[]): string =>
  `messages, account ${at + 1} of ${accounts.length}`

/** The first room that knows an owner decides. */
function ownersOf(rooms: readonly RoomCheck[]): OwnersCheck {
  return async (reader, links) => {
    const answers = await Promise.all(rooms.map(({ owners }) => owners?.(reader, links) ?? []))
    return links.map((_, at) => answers.map((answer) => answer[at]).find((one) => one !== undefined))
  }
}

async function settled({ fix, ...finding }: Damage, repair: boolean): Promise<Verified> {
  const canRepair = fix !== undefined
  if (!repair || fix === undefined) return { ...finding, canRepair }
  try {
    const repaired = await fix()
    return { ...finding, canRepair, repaired: repaired ?? 'it was right again already' }
  } catch (error) {
    return { ...finding, canRepair, failed: error instanceof Error ? error.message : String(error) }
  }
}
