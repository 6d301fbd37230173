import type { MailboxId, MirrorCommit, MirrorOperation } from 'mailserver'
import { exists } from '../files/disk.ts'
import { withUidList } from '../files/uid-list.ts'
import type { Estate } from './estate.ts'

export interface Ordered {
  readonly modSeq: bigint
  readonly operation: MirrorOperation
}

/**
 * Operations that are done under the same locks, in their order. A folder gets another name on its own: what was done under
 * the old one is to be found under the new one, and not later.
 */
export function runsOf(commits: readonly MirrorCommit[]): Ordered[][] {
  const runs: Ordered[][] = [[]]
  for (const { modSeq, operations } of commits) {
    for (const operation of operations) {
      const one = { modSeq, operation }
      if ('name' in operation) runs.push([one], [])
      else runs.at(-1)?.push(one)
    }
  }
  return runs.filter((run) => run.length > 0)
}

/** Folders that messages come into. */
export async function arrivingFolders(estate: Estate, run: readonly Ordered[]): Promise<string[]> {
  const mailboxes = new Set<MailboxId>()
  for (const { operation } of run) {
    if (operation.kind === 'added' || operation.kind === 'moved') mailboxes.add(operation.mailbox)
  }
  const paths: string[] = []
  for (const mailbox of mailboxes) {
    const path = (await estate.folder(mailbox))?.path
    if (path !== undefined && (await exists(path))) paths.push(path)
  }
  return paths.sort()
}

/** A message has its UID in the list before another program may give it one. */
export function underLocks<T>([folder, ...others]: readonly string[], work: () => Promise<T>): Promise<T> {
  return folder === undefined ? work() : withUidList(folder, () => underLocks(others, work))
}
