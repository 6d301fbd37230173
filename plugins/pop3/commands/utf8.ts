import { fault, ok } from '../wire/reply.ts'
import type { Command } from './command.ts'

/** RFC 6856 section 2. From here on headers are sent in UTF-8; it cannot be taken back. */
export const utf8: Command = {
  keyword: 'UTF8',
  state: 'authorization',
  run(context, argument) {
    if (argument !== '') return fault('UTF8 has no argument')
    context.isUtf8 = true
    return ok('UTF8 enabled')
  },
}
