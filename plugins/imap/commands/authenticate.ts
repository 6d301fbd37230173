import type { Credentials } from 'mailserver'
import { logIn, PRIVACY_REQUIRED } from '../authentication.ts'
import { command } from '../command.ts'
import { bad, type Completion, no } from '../completion.ts'
import type { Session } from '../session.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

type Proof = Pick<Credentials, 'mechanism' | 'login' | 'password' | 'authorizationId'>

/** Reads the client's answers: the initial one first, when there is one, then one for each challenge. */
type Exchange = (answer: (challenge: string) => Promise<Buffer>) => Promise<Proof>

/** The client broke the exchange off with `*`. */
class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

const MECHANISMS: ReadonlyMap<string, Exchange> = new Map([
  ['PLAIN', plain],
  ['LOGIN', loginMechanism],
])

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
    const exchange = MECHANISMS.get(mechanism)
    if (exchange === undefined) return no('No such mechanism', 'CANNOT')
    if (!session.isTls) return PRIVACY_REQUIRED
    try {
      return await logIn(session, await exchange(answers(session, initial)))
    } catch (cause) {
      if (cause instanceof Cancelled) return bad('Authentication cancelled')
      throw cause
    }
  },
})

const INITIAL = /[A-Za-z0-9+/=]+/y
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function answers(session: Session, initial: string | undefined): (challenge: string) => Promise<Buffer> {
  let given = initial
  return async (challenge) => {
    // RFC 4959 section 3: `=` is an initial response of no octets.
    const first = given
    given = undefined
    if (first === '=') return Buffer.alloc(0)
    if (first !== undefined) return decode(first)
    await session.proceed(Buffer.from(challenge).toString('base64'))
    const line = await session.readLine()
    if (line === '*') throw new Cancelled('the client broke the login off')
    return decode(line)
  }
}

function decode(text: string): Buffer {
  if (!BASE64.test(text)) throw new SyntaxFault('Invalid base64')
  return Buffer.from(text, 'base64')
}

/** RFC 4616. */
async function plain(answer: (challenge: string) => Promise<Buffer>): Promise<Proof> {
  const parts = (await answer('')).toString('utf8').split('\0')
  const [authorizationId, login, password] = parts
  if (parts.length !== 3 || login === undefined || password === undefined || login === '') {
    throw new SyntaxFault('Invalid PLAIN response')
  }
  return { mechanism: 'PLAIN', login, password, ...(authorizationId && { authorizationId }) }
}

/** No RFC, and some clients know nothing else: a login, then a password. */
async function loginMechanism(answer: (challenge: string) => Promise<Buffer>): Promise<Proof> {
  const login = (await answer('Username:')).toString('utf8')
  const password = (await answer('Password:')).toString('utf8')
  return { mechanism: 'LOGIN', login, password }
}
