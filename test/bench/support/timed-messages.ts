import { runLoad } from '../load/run-load.ts'
import type { MessagesResult } from '../load/smtp-messages.ts'
import { addressOf, type System } from '../system.ts'
import { until } from './until.ts'

const UNTIMED = 100
const SETTLE_MS = 10_000
export const SESSIONS = 10

/** Sends messages of 2 KB to one account by ten sessions, each of them timed. Of ours all must come to be stored. */
export async function sendTimed(
  system: System,
  messages: number,
  account = 1,
): Promise<MessagesResult & { readonly clientShare: number }> {
  const before = await system.stored([account])
  const result = await runLoad<MessagesResult>('smtp-messages.ts', {
    port: system.ports.smtp,
    sessions: SESSIONS,
    messages,
    untimed: UNTIMED,
    bytes: 2_000,
    from: 'sender@example.com',
    to: addressOf(account),
  })
  if (system.name === 'ours') {
    await until(async () => (await system.stored([account])) >= before + messages + UNTIMED, SETTLE_MS)
  }
  return result
}
