import { parseSaslInitial, parseSaslLine, type SaslExchange, type SaslLine } from 'mailserver'
import { PRIVACY_REQUIRED, proved } from '../authentication.ts'
import { command } from '../command.ts'
import { bad, type Completion, no } from '../completion.ts'
import type { Session } from '../session.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** RFC 3501 section 6.2.2, with the initial response of RFC 4959. */
export const authenticate = command({
  name: 'AUTHENTICATE',
  states: ['not-authenticated'],
  updates: 'none',
  parse(args) {
    args.space()
    const mechanism = args.word()
    const initial = args.skip(' ') ? (args.match(INITIAL) ?? '') : undefined
    args.end()
    if (initial !== undefined && !args.knows('AUTHENTICATE INITIAL')) throw new SyntaxFault('Wait for the challenge')
    return { mechanism: args.knows(`AUTHENTICATE ${mechanism}`) ? mechanism : '', initial }
  },
  async run({ mechanism, initial }, session): Promise<Completion> {
    if (!session.isTls) return PRIVACY_REQUIRED
    const exchange = session.services.sasl.start(mechanism, session.channel)
    if (exchange === undefined) return no('No such mechanism', 'CANNOT')
    return converse(session, exchange, initial === undefined ? undefined : parseSaslInitial(initial))
  },
})

const INITIAL = /[A-Za-z0-9+/=]+/y

/** @param first the client's initial response */
async function converse(session: Session, exchange: SaslExchange, first: SaslLine | undefined): Promise<Completion> {
  for (let line = first; ; line = parseSaslLine(await session.input.readLine())) {
    if (line?.kind === 'cancelled') return bad('Authentication cancelled')
    if (line?.kind === 'malformed') throw new SyntaxFault('Invalid base64')
    let challenge: Buffer | undefined
    const completion = await proved(session, exchange.mechanism, async () => {
      const step = await exchange.respond(line?.data)
      if (step.kind === 'done') return step.account
      challenge = step.data
      return undefined
    })
    if (completion !== undefined) return completion
    await session.proceed(challenge?.toString('base64') ?? '')
  }
}
