import type { Authenticator } from '../directory.ts'
import { malformed, utf8 } from './response.ts'
import type { SaslMechanism } from './sasl.ts'

/** PLAIN (RFC 4616): authorization identity, login and password in one response. */
export function plain(authenticator: Authenticator): SaslMechanism {
  return {
    isOffered: ({ tls }) => tls !== undefined,
    start:
      ({ protocol, remoteAddress, signal }) =>
      async (response) => {
        if (response === undefined) return { kind: 'challenge', data: Buffer.alloc(0) }
        const [authorizationId, login, password, ...more] = utf8('PLAIN', response).split('\0')
        if (!login || !password || more.length > 0) throw malformed('PLAIN')
        const proof = { mechanism: 'PLAIN' as const, login, password, protocol, remoteAddress }
        const credentials = authorizationId ? { ...proof, authorizationId } : proof
        return { kind: 'done', account: await authenticator.authenticate(credentials, signal) }
      },
  }
}

/** LOGIN: no RFC, and some clients know nothing else. A login, then a password, each to a prompt. */
export function login(authenticator: Authenticator): SaslMechanism {
  return {
    isOffered: ({ tls }) => tls !== undefined,
    start: ({ protocol, remoteAddress, signal }) => {
      let name: string | undefined
      return async (response) => {
        if (response === undefined) return { kind: 'challenge', data: Buffer.from('Username:') }
        const text = utf8('LOGIN', response)
        if (name === undefined) {
          name = text
          return { kind: 'challenge', data: Buffer.from('Password:') }
        }
        const credentials = { mechanism: 'LOGIN' as const, login: name, password: text, protocol, remoteAddress }
        return { kind: 'done', account: await authenticator.authenticate(credentials, signal) }
      }
    },
  }
}
