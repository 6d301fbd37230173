import { codeOf, type MailError } from '../../errors/mail-error.ts'
import type { Account } from '../directory.ts'
import { malformed, utf8 } from './response.ts'
import type { SaslChannel, SaslMechanism } from './sasl.ts'

export interface BearerLogins {
  /**
   * @param login who the client says it is; the token decides
   * @throws MailError AUTHENTICATION_FAILED, LIMIT_REACHED, UNAVAILABLE
   */
  authenticateToken(token: string, login: string | undefined, channel: SaslChannel): Promise<Account>
  /** Some plugin knows tokens. */
  isOffered(): boolean
}

const SEPARATOR = '\x01'
/** RFC 5801 section 4, without channel binding. */
const GS2_HEADER = /^[ny],(?:a=([^,]+))?,$/
const AUTH = /^auth=bearer +([A-Za-z0-9._~+/-]+=*) *$/i
/** RFC 7628 section 3.2.2. */
const REFUSED = Buffer.from(JSON.stringify({ status: 'invalid_token', scope: 'mail' }))

/** OAUTHBEARER (RFC 7628 section 3.1): the GS2 header, then key=value pairs, each ended by ^A, and one ^A more. */
export const oauthBearer = (logins: BearerLogins): SaslMechanism =>
  bearer('OAUTHBEARER', logins, (text) => {
    const [header = '', ...pairs] = text.split(SEPARATOR)
    const [, authorization] = GS2_HEADER.exec(header) ?? []
    const isWhole = GS2_HEADER.test(header) && pairs.splice(-2).join('') === ''
    const auth = isWhole ? pairs.find((pair) => /^auth=/i.test(pair)) : undefined
    return { login: authorization?.replaceAll('=2C', ',').replaceAll('=3D', '='), auth }
  })

/** XOAUTH2, Google's and Microsoft's form from before the RFC, which most clients know. */
export const xoauth2 = (logins: BearerLogins): SaslMechanism =>
  bearer('XOAUTH2', logins, (text) => {
    const [user = '', auth, ...end] = text.split(SEPARATOR)
    const isWhole = user.startsWith('user=') && end.length === 2 && end.join('') === ''
    return { login: user.slice('user='.length), auth: isWhole ? auth : undefined }
  })

function bearer(
  mechanism: string,
  logins: BearerLogins,
  parse: (text: string) => { login: string | undefined; auth: string | undefined },
): SaslMechanism {
  return {
    isOffered: ({ tls }) => tls !== undefined && logins.isOffered(),
    start(channel) {
      let refusal: MailError | undefined
      return async (response) => {
        // RFC 7628 section 3.2.3: the client answers the error with ^A, and then it has failed.
        if (refusal !== undefined) throw refusal
        if (response === undefined) return { kind: 'challenge', data: Buffer.alloc(0) }
        const { login, auth } = parse(utf8(mechanism, response))
        const token = auth === undefined ? undefined : AUTH.exec(auth)?.[1]
        if (token === undefined) throw malformed(mechanism)
        try {
          return { kind: 'done', account: await logins.authenticateToken(token, login || undefined, channel) }
        } catch (cause) {
          if (codeOf(cause) !== 'AUTHENTICATION_FAILED') throw cause
          refusal = cause as MailError
          return { kind: 'challenge', data: REFUSED }
        }
      }
    },
  }
}
