import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Quota } from 'mailserver'
import { appendText, exists, removeFile, replaceFile } from './disk.ts'

/** Maildir++: at this size the file is written anew. */
const MAX_BYTES = 5_120
const NAME = 'maildirsize'

/** `maildirsize`: the limits, and what is used, for delivery agents that check a quota themselves. */
export function formatQuotaFile({ usedBytes, usedMessages, maxBytes, maxMessages }: Quota): string {
  const limits = [
    maxBytes === undefined ? [] : `${maxBytes}S`,
    maxMessages === undefined ? [] : `${maxMessages}C`,
  ].flat()
  return `${limits.join(',')}\n${usedBytes} ${usedMessages}\n`
}

/** Writes the file anew; an account without a limit has none. */
export async function writeQuotaFile(root: string, quota: Quota): Promise<void> {
  const path = join(root, NAME)
  if (quota.maxBytes === undefined && quota.maxMessages === undefined) await removeFile(path)
  else await replaceFile(path, formatQuotaFile(quota))
}

/** Adds what came and went. @returns false when the file must be written anew, or there is none */
export async function addToQuotaFile(root: string, bytes: number, messages: number): Promise<boolean> {
  const path = join(root, NAME)
  if (!(await exists(path)) || (await stat(path)).size > MAX_BYTES) return false
  await appendText(path, `${bytes} ${messages}\n`)
  return true
}
