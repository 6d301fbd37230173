import type { FindingView } from '../control/routes/store/verify.ts'
import { paint } from './paint.ts'
import { clean } from './table.ts'

/** One damage: whose it is, what is wrong, what was done about it. */
export function renderFinding({ account, mailbox, text, canRepair, repaired, failed }: FindingView): string {
  const where = [account, mailbox].filter((part) => part !== null).map(clean)
  const head = where.length === 0 ? '' : `${paint.bold(where.join(' '))}: `
  const lines = [`${head}${clean(text)}`]
  if (repaired !== null) lines.push(`  ${paint.green('repaired:')} ${clean(repaired)}`)
  else if (failed !== null) lines.push(`  ${paint.red('not repaired:')} ${clean(failed)}`)
  else if (canRepair) lines.push(`  ${paint.dim('--repair puts this right')}`)
  return lines.join('\n')
}

export function renderVerified(
  damages: number,
  repaired: number,
  seen: Readonly<Record<string, number>>,
  isRepair: boolean,
): string {
  const { accounts = 0, mailboxes = 0, messages = 0, blobs = 0, queued = 0 } = seen
  const read = blobs > 0 ? ` and read ${blobs} of their bytes through` : ''
  const looked = `Looked at ${accounts} accounts, ${mailboxes} mailboxes, ${messages} messages${read}, ${queued} in the queue.`
  if (damages === 0) return `${looked}\n${paint.green('No damage.')}`
  const left = damages - repaired
  const end = isRepair ? `${repaired} repaired, ${left} left.` : 'Nothing was changed.'
  return `${looked}\n${paint.red(`${damages} damaged.`)} ${end}`
}
