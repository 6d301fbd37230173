import type { ConfigChange } from '../config/plan-changes.ts'
import { paint } from './paint.ts'
import { clean } from './table.ts'

const SIGNS = { added: paint.green('+'), removed: paint.red('-'), changed: paint.yellow('~') } as const

export function renderChanges(changes: readonly ConfigChange[]): string {
  if (changes.length === 0) return 'Nothing would change.'
  const lines = changes.map(({ kind, area, name, from, to, needsRestart }) => {
    const values = kind === 'changed' ? `: ${clean(from ?? '')} → ${clean(to ?? '')}` : ''
    return `${SIGNS[kind]} ${area} ${clean(name)}${values}${needsRestart ? paint.red(' (needs a restart)') : ''}`
  })
  const step = changes.some(({ needsRestart }) => needsRestart) ? 'mailserver restart' : 'mailserver reload'
  return [...lines, '', `Make it so with: ${step}`].join('\n')
}
