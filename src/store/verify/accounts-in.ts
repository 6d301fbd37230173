import type { Reader } from '../engine.ts'
import { KeyReader, key, prefixRange } from '../key.ts'
import type { AccountId } from '../mail-store.ts'

const SPACES = ['mail-account', 'mail-mailbox', 'mail-counters', 'mail-copy', 'mail-state'] as const

/** Every account that has a record of any kind: one seek for each, however much it has. */
export async function accountsIn(reader: Reader, spaces: readonly string[] = SPACES): Promise<readonly AccountId[]> {
  const found = new Set<AccountId>()
  for (const space of spaces) {
    const { lt } = prefixRange(space)
    for (let from = key(space); ; ) {
      let account: AccountId | undefined
      for await (const batch of reader.scan({ gte: from, lt, limit: 1 })) {
        for (const [at] of batch) {
          const parts = new KeyReader(at)
          parts.text()
          account = parts.text() as AccountId
        }
      }
      if (account === undefined) break
      found.add(account)
      from = prefixRange(space, account).lt
    }
  }
  return [...found]
}
