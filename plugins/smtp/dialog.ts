import type { Account, IntakeRole, IntakeSession, SaslExchange } from 'mailserver'
import type { Limits } from './options.ts'

/** What is the same for all sessions of a listener. */
export interface Profile {
  readonly role: IntakeRole
  readonly hostname: string
  readonly banner: string
  readonly limits: Limits
  /** Octets of the largest message; 0 for no limit. */
  readonly messageBytes: number
  /** May a session begin TLS? */
  readonly offersTls: boolean
}

/** What a command sees of its session, and may change. */
export interface Dialog {
  readonly profile: Profile
  readonly intake: IntakeSession
  readonly isTls: boolean
  /** Name and verb of the last HELO, EHLO or LHLO. */
  hello: { readonly name: string; readonly isExtended: boolean } | undefined
  account: Account | undefined
  /** The transaction that is open. */
  transaction: { readonly smtpUtf8: boolean; recipients: number } | undefined
  authFailures: number
  /** Mechanisms that can be used now. */
  readonly saslMechanisms: readonly string[]
  /** @returns undefined when it is not offered */
  startSasl(mechanism: string): SaslExchange | undefined
}
