import { ok } from '../wire/reply.ts'
import type { Command } from './command.ts'

/** RFC 1939 section 5. */
export const noop: Command = { keyword: 'NOOP', state: 'transaction', run: () => ok('Nothing done') }
