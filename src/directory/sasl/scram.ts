import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Account } from '../directory.ts'
import { prepare, type ScramVerifier } from '../scram-verifier.ts'
import { malformed, utf8 } from './response.ts'
import type { SaslChannel, SaslMechanism, SaslTls } from './sasl.ts'

/** RFC 9266: the one channel binding of TLS 1.3. */
const CHANNEL_BINDING = 'tls-exporter'
const NONCE_BYTES = 18
/** RFC 5801: flag, authorization identity. Then RFC 5802's name and nonce; a mandatory extension (`m=`) is refused. */
const CLIENT_FIRST = /^(?:(n)|(y)|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,(n=([^,]+),r=([!-+\--~]+)(?:,[a-z]=[^,]+)*)$/
const CLIENT_FINAL = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)(?:,[a-z]=[^,]+)*),p=([A-Za-z0-9+/=]+)$/

export interface ScramLogins {
  /** The verifier of a login; one that nobody can satisfy when there is no such account, so that both look alike. */
  verifier(login: string, remoteAddress: string): Promise<ScramVerifier>
  /**
   * @throws MailError AUTHENTICATION_FAILED, LIMIT_REACHED, UNAVAILABLE
   */
  conclude(attempt: ScramAttempt, channel: SaslChannel): Promise<Account>
  /** Every account that can log in by password can log in so. */
  isOffered(): boolean
}

export interface ScramAttempt {
  readonly login: string
  readonly authorizationId?: string
  /** What the client sent last; it holds for this exchange alone. */
  readonly proof: string
  readonly isRight: boolean
}

/**
 * SCRAM-SHA-256 (RFC 7677, RFC 5802), and with `plus` SCRAM-SHA-256-PLUS, which binds the exchange to this TLS
 * connection. The server's signature goes out as a last challenge, which the client answers with nothing.
 */
export function scram(logins: ScramLogins, { plus }: { readonly plus: boolean }): SaslMechanism {
  const mechanism = plus ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256'
  return {
    isOffered: (channel) => channel.tls !== undefined && logins.isOffered() && (!plus || canBind(channel)),
    start(channel) {
      const { tls } = channel
      let next = first
      return (response) => next(response)

      async function first(response: Buffer | undefined): Promise<Step> {
        if (response === undefined) return challenge('')
        const match = CLIENT_FIRST.exec(utf8(mechanism, response))
        if (match === null) throw malformed(mechanism)
        const [whole, , couldBind, binding, authorization, bare = '', name = '', nonce = ''] = match
        // RFC 5802 section 6: a client that could bind and believes that we cannot was lied to.
        if (couldBind !== undefined && canBind(channel)) throw malformed(mechanism)
        if (plus !== (binding !== undefined) || (plus && binding !== CHANNEL_BINDING)) throw malformed(mechanism)
        const login = prepare(unescaped(mechanism, name))
        if (login === undefined) throw malformed(mechanism)
        const verifier = await logins.verifier(login, channel.remoteAddress)
        const both = nonce + randomBytes(NONCE_BYTES).toString('base64')
        const serverFirst = `r=${both},s=${verifier.salt},i=${verifier.iterations}`
        const header = whole.slice(0, whole.length - bare.length)
        const attempt = {
          login,
          ...(authorization !== undefined && { authorizationId: unescaped(mechanism, authorization) }),
        }
        next = (final) => proved(final, { attempt, verifier, header, both, said: `${bare},${serverFirst}` })
        return challenge(serverFirst)
      }

      async function proved(response: Buffer | undefined, state: State): Promise<Step> {
        const match = response && CLIENT_FINAL.exec(utf8(mechanism, response))
        if (!match) throw malformed(mechanism)
        const [, withoutProof = '', binding = '', nonce = '', proof = ''] = match
        const { attempt, verifier, header, both, said } = state
        const bound = plus && tls !== undefined ? keyingMaterial(tls) : Buffer.alloc(0)
        const expected = Buffer.concat([Buffer.from(header), bound])
        const authMessage = `${said},${withoutProof}`
        const isRight =
          nonce === both &&
          isSame(Buffer.from(binding, 'base64'), expected) &&
          isProof(Buffer.from(proof, 'base64'), verifier, authMessage)
        const account = await logins.conclude({ ...attempt, proof, isRight }, channel)
        const signature = hmac(Buffer.from(verifier.serverKey, 'base64'), authMessage)
        next = async (last) => {
          if (last === undefined || last.length > 0) throw malformed(mechanism)
          return { kind: 'done', account }
        }
        return challenge(`v=${signature.toString('base64')}`)
      }
    },
  }
}

type Step = Awaited<ReturnType<ReturnType<SaslMechanism['start']>>>

interface State {
  readonly attempt: Pick<ScramAttempt, 'login' | 'authorizationId'>
  readonly verifier: ScramVerifier
  /** The GS2 header, as the client sent it. */
  readonly header: string
  /** Both nonces. */
  readonly both: string
  /** client-first-message-bare, server-first-message. */
  readonly said: string
}

function challenge(text: string): Step {
  return { kind: 'challenge', data: Buffer.from(text) }
}

/** RFC 5802 section 5.1: `,` and `=` of a name. */
function unescaped(mechanism: string, name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw malformed(mechanism)
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

/** RFC 5802 section 3: ClientKey comes out of the proof, and its hash is what is stored. */
function isProof(proof: Buffer, verifier: ScramVerifier, authMessage: string): boolean {
  const storedKey = Buffer.from(verifier.storedKey, 'base64')
  const signature = hmac(storedKey, authMessage)
  if (proof.length !== signature.length) return false
  const clientKey = Buffer.from(signature.map((octet, at) => octet ^ (proof[at] ?? 0)))
  return isSame(createHash('sha256').update(clientKey).digest(), storedKey)
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** RFC 9266 section 4.2: before TLS 1.3 the binding would not be unique to the connection. */
function canBind({ tls, bindsChannel = true }: SaslChannel): boolean {
  return bindsChannel && tls?.version === 'TLSv1.3'
}

/** RFC 9266 section 2. */
function keyingMaterial(tls: SaslTls): Buffer {
  return tls.keyingMaterial(32, 'EXPORTER-Channel-Binding')
}
