import { type AccountId, type BlobRef, type Engine, mirrorCommits } from 'mailserver'

/** What a message that is not in its folder yet is to be made from. */
export async function mirrorSource(engine: Engine, account: AccountId, ref: BlobRef): Promise<BlobRef | undefined> {
  for (const { operations } of await mirrorCommits(engine, account)) {
    for (const operation of operations) {
      if ((operation.kind === 'added' || operation.kind === 'moved') && operation.ref === ref) return operation.source
    }
  }
  return undefined
}
