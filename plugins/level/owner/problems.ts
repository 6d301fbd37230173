import { codeOf } from 'mailserver'
import type { Layout } from '../layout.ts'
import { availableAt } from '../segments/room.ts'
import type { SharedState } from '../shared-state.ts'

const MB = 1024 * 1024

/**
 * What an operator should look at.
 * @param reserve octets that messages do not get
 */
export function problemsOf(layout: Layout, shared: SharedState, reserve: number): string[] {
  const problems: string[] = []
  if (shared.hasFailed)
    problems.push('the store has stopped after a fault of its disk, and takes nothing until that works')
  try {
    if (availableAt(layout.log) >= reserve) return problems
    const least = `${Math.ceil(reserve / MB)} MB`
    problems.push(`less than ${least} are free on the disk of ${layout.root}: messages are put off until there is room`)
  } catch (error) {
    problems.push(`the disk of ${layout.root} cannot be read: ${codeOf(error)}`)
  }
  return problems
}
