import { paint } from '../paint.ts'
import { clean } from '../table.ts'
import type { CrashRound } from './crash-test.ts'
import type { Finding } from './finding.ts'

const SHOWN = 5
const MARKS = {
  good: () => paint.green('ok     '),
  warning: () => paint.yellow('warning'),
  failed: () => paint.red('failed '),
} as const

export function renderFinding({ check, state, text, hint }: Finding): string {
  const line = `${MARKS[state]()}  ${check}: ${clean(text)}`
  return hint === undefined ? line : `${line}\n           ${clean(hint)}`
}

export function renderRound({ round, acknowledged, underWay, stored, lost, doubled, damaged }: CrashRound): string {
  const sum = `round ${round}: ${acknowledged} acknowledged so far, ${underWay} under way at the kill, ${stored} stored`
  const faults = [...listed('lost', lost), ...listed('stored twice', doubled), ...listed('damaged', damaged)]
  return faults.length === 0 ? `${sum}: all there, once and whole` : [sum, ...faults].join('\n')
}

function listed(title: string, found: readonly (string | number)[]): string[] {
  if (found.length === 0) return []
  const more = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : ''
  return [paint.red(`  ${title}: ${found.slice(0, SHOWN).join(', ')}${more}`)]
}
