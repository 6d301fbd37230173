import type { X509Certificate } from 'node:crypto'
import { defineService } from '../../kernel/service.ts'
import type { Account } from '../directory.ts'

/** What TLS tells a mechanism. */
export interface SaslTls {
  /** `TLSv1.3` and the like; null once the connection is closed. */
  readonly version: string | null
  /** RFC 5705; the channel binding of RFC 9266 comes from it. */
  keyingMaterial(length: number, label: string): Buffer
  /** The certificate of the client, when one of our authorities vouches for it. */
  readonly certificate: X509Certificate | undefined
}

/** The connection that an exchange runs on. */
export interface SaslChannel {
  /** `imap`, `pop3`, `submission`. */
  readonly protocol: string
  readonly remoteAddress: string
  /** Absent in clear: then no mechanism is offered. */
  readonly tls: SaslTls | undefined
  /** False where no mechanism that binds to the connection is offered, though there is TLS. */
  readonly bindsChannel?: boolean
  /** Fires when the client has left. */
  readonly signal?: AbortSignal | undefined
}

export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'done'; readonly account: Account }

/** One exchange, seen from the server (RFC 4422 section 3). */
export interface SaslExchange {
  readonly mechanism: string
  /**
   * Takes the client's next response, first its initial one or undefined when it sent none.
   * @throws MailError INVALID (the response has not the mechanism's syntax), and what Authenticator.authenticate throws
   */
  respond(response: Buffer | undefined): Promise<SaslStep>
}

/** The mechanisms that every protocol with a login offers alike. */
export interface Sasl {
  /** Names to advertise on this channel, the strongest first. */
  mechanisms(channel: SaslChannel): readonly string[]
  /** @returns undefined when it is not offered on this channel */
  start(mechanism: string, channel: SaslChannel): SaslExchange | undefined
}

export const sasl = defineService<Sasl>('core:sasl')

/** A mechanism: when it is offered, and its exchange. */
export interface SaslMechanism {
  isOffered(channel: SaslChannel): boolean
  start(channel: SaslChannel): SaslExchange['respond']
}
