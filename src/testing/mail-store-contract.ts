import type { ContractTest } from './contract.ts'
import { ACCOUNT_CASES } from './mail-store-contract/accounts.ts'
import { BLOB_CASES } from './mail-store-contract/blobs.ts'
import { CHANGE_CASES } from './mail-store-contract/changes.ts'
import { COMMIT_GROUP_CASES } from './mail-store-contract/commit-groups.ts'
import { COPY_CASES } from './mail-store-contract/copies.ts'
import { DELIVERY_CASES } from './mail-store-contract/delivery.ts'
import { FLAG_CASES } from './mail-store-contract/flags.ts'
import { JOURNEY_CASES } from './mail-store-contract/journeys.ts'
import { MAILBOX_CASES } from './mail-store-contract/mailboxes.ts'
import { MESSAGE_CASES } from './mail-store-contract/messages.ts'
import { METADATA_CASES } from './mail-store-contract/metadata.ts'
import { SHARING_CASES } from './mail-store-contract/sharing.ts'
import { WALK_CASES } from './mail-store-contract/walk.ts'
import type { OpenedDrivers } from './mail-store-contract/world.ts'

export type { OpenedDrivers } from './mail-store-contract/world.ts'

/**
 * Everything that the mail store, journeys and local delivery promise above an Engine and a BlobStore. Whoever writes
 * such drivers runs each of these under the test runner of their choice, with empty drivers for each.
 */
export const mailStoreContract: readonly ContractTest<OpenedDrivers>[] = [
  ...ACCOUNT_CASES,
  ...MAILBOX_CASES,
  ...MESSAGE_CASES,
  ...FLAG_CASES,
  ...COMMIT_GROUP_CASES,
  ...COPY_CASES,
  ...SHARING_CASES,
  ...METADATA_CASES,
  ...CHANGE_CASES,
  ...BLOB_CASES,
  ...WALK_CASES,
  ...JOURNEY_CASES,
  ...DELIVERY_CASES,
]
