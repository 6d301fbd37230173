import { command, LOGGED_IN, only } from '../command.ts'
import { no, ok } from '../completion.ts'

/** RFC 4978. The answer goes out as it is; everything after it, in both directions, is compressed. */
export const compress = command({
  name: 'COMPRESS',
  states: LOGGED_IN,
  parse: (args) => only(args, () => args.word()),
  async run(mechanism, session) {
    if (mechanism !== 'DEFLATE') return no('Only DEFLATE is known', 'CANNOT')
    if (session.transport.isCompressed) return no('Compression is on already', 'COMPRESSIONACTIVE')
    session.afterCompletion(async () => {
      // A client waits for the answer before it says more (RFC 4978 section 3): what came sooner came uncompressed.
      session.input.forget()
      session.transport.compress()
    })
    return ok('Compression begins')
  },
})
