import type { AppendResult } from './load/imap-append.ts'
import { runLoad } from './load/run-load.ts'
import { cached, forgetOthers, layoutKey } from './support/cache.ts'
import { hasEnded, untilEnd } from './support/running.ts'
import { addressOf, type Need, PASSWORD, type System, type SystemKind } from './system.ts'

/** Mail that is there before anything is measured. Kept between runs, for each system in its own layout. */
export interface DataSet {
  readonly name: string
  /** Messages in the INBOX of the first account. */
  readonly messages: number
  /** Octets of a message. */
  readonly bytes: number
}

const BATCH = 100
/** Counts up when the messages of `messageText` change. */
const TEXT_VERSION = 1

/** The directory with the data for a system; filled now when the cache does not have it. */
export async function dataFor(set: DataSet, kind: SystemKind, need: Need): Promise<string> {
  const own = `data-${set.name}-v${TEXT_VERSION}-${kind.name}`
  const name = kind.name === 'ours' ? `${own}-${layoutKey()}` : own
  if (kind.name === 'ours') forgetOthers(`${own}-`, name)
  return cached(name, async (path) => {
    await using system = untilEnd(await kind.start({ ...need, dataDir: path, isFilling: true }))
    await fill(system, set)
    hasEnded(system)
  })
}

/** Appends the messages over IMAP, and counts them in the store afterwards. */
export async function fill(system: System, { messages, bytes }: Omit<DataSet, 'name'>, account = 1): Promise<void> {
  const before = await system.stored([account])
  await runLoad<AppendResult>('imap-append.ts', {
    port: system.ports.imaps,
    tls: true,
    user: addressOf(account),
    password: PASSWORD,
    mailbox: 'INBOX',
    first: before + 1,
    messages,
    bytes,
    connections: 1,
    batch: BATCH,
  })
  const stored = (await system.stored([account])) - before
  if (stored !== messages) throw new Error(`${messages} messages were put in, and ${stored} are there`)
}

export const TEN_THOUSAND: DataSet = { name: '10k', messages: 10_000, bytes: 6_900 }
export const HUNDRED_THOUSAND: DataSet = { name: '100k', messages: 100_000, bytes: 6_900 }
