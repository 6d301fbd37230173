import type { ContractTest } from './contract.ts'
import type { OpenedEngine } from './engine-contract/check.ts'
import { READING_CHECKS } from './engine-contract/reading.ts'
import { SCOPE_CHECKS } from './engine-contract/scopes.ts'
import { SNAPSHOT_CHECKS } from './engine-contract/snapshots.ts'
import { TOPIC_AND_LEASE_CHECKS } from './engine-contract/topics-and-leases.ts'
import { TRANSACTION_CHECKS } from './engine-contract/transactions.ts'

export type { OpenedEngine } from './engine-contract/check.ts'

const CHECKS = [
  ...READING_CHECKS,
  ...TRANSACTION_CHECKS,
  ...SCOPE_CHECKS,
  ...SNAPSHOT_CHECKS,
  ...TOPIC_AND_LEASE_CHECKS,
]

/** What every Engine promises. Run each test with a function that opens an empty engine. */
export const engineContract: readonly ContractTest<OpenedEngine>[] = CHECKS.map(([title, check]) => ({
  title,
  async run(open) {
    const opened = await open()
    try {
      await check(opened.engine)
    } finally {
      await opened.close()
    }
  },
}))
