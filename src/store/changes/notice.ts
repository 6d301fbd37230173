import type { AccountId } from '../mail-store.ts'
import type { UidRange } from '../records/uid-ranges.ts'
import type { Change } from './change-log.ts'

/**
 * What one commit tells the watchers of its account, in every worker. `previous` is the account's MODSEQ before the
 * commit: whoever has not seen it has missed something and reads the log.
 */
export interface Notice {
  readonly previous: bigint
  readonly modSeq: bigint
  /** Absent when they are too long to send to every worker: the log has them. */
  readonly changes?: readonly Change[]
}

const MAX_RANGES = 2_000

export const noticeTopic = (account: AccountId): string => `mailboxes:${account}`

export function formatNotice({ previous, modSeq, changes }: Notice): string {
  const ranges = changes?.reduce((sum, change) => sum + change.ranges.length, 0) ?? 0
  return JSON.stringify([
    String(previous),
    String(modSeq),
    ...(ranges > MAX_RANGES
      ? []
      : [changes?.map((one) => [one.kind, one.mailbox, String(one.modSeq), one.ranges, one.names])]),
  ])
}

export function parseNotice(text: string): Notice {
  const [previous, modSeq, changes] = JSON.parse(text) as [string, string, Row[] | undefined]
  const bounds = { previous: BigInt(previous), modSeq: BigInt(modSeq) }
  if (changes === undefined || changes === null) return bounds
  return {
    ...bounds,
    changes: changes.map(([kind, mailbox, at, ranges, names]) => ({
      kind,
      mailbox,
      modSeq: BigInt(at),
      ranges,
      ...(names && { names }),
    })),
  }
}

type Row = [
  kind: Change['kind'],
  mailbox: number,
  modSeq: string,
  ranges: readonly UidRange[],
  names?: readonly string[] | null,
]
