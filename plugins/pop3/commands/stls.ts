import { fault, ok } from '../wire/reply.ts'
import type { Command } from './command.ts'

/** RFC 2595 section 4. */
export const stls: Command = {
  keyword: 'STLS',
  state: 'authorization',
  run({ isTls }, argument) {
    if (isTls) return fault('TLS is active already')
    if (argument !== '') return fault('STLS has no argument')
    return { ...ok('Begin TLS negotiation now'), next: 'start-tls' }
  },
}
