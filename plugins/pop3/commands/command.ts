import type { Account, SaslExchange } from 'mailserver'
import type { Refused } from '../login.ts'
import type { Maildrop } from '../maildrop.ts'
import type { Reply } from '../wire/reply.ts'

/** What a command sees of its session. */
export interface CommandContext {
  readonly isTls: boolean
  /** undefined in the AUTHORIZATION state. */
  readonly maildrop: Maildrop | undefined
  /** What USER gave, for PASS to use. */
  loginName: string | undefined
  /** RFC 6856 section 2.1: headers are sent as they are, in UTF-8. */
  isUtf8: boolean
  /** Mechanisms that can be used now. */
  readonly saslMechanisms: readonly string[]
  /** Days of EXPIRE and seconds of LOGIN-DELAY, as CAPA says them (RFC 2449 sections 6.5 and 6.7). */
  readonly retention: string
  readonly loginDelay: string | undefined
  /** @returns undefined when it is not offered */
  startSasl(mechanism: string): SaslExchange | undefined
  /** Checks a password. @throws MailError */
  authenticate(login: string, password: string): Promise<Account>
  /** Runs one step of a proof of who it is; slow to say no. */
  prove<T>(step: () => Promise<T>): Promise<T | Refused>
  /** Opens the maildrop of an account that was proved; answers the command. */
  logIn(account: Account): Promise<Reply>
}

/** A session that has logged in. */
export type TransactionContext = CommandContext & { readonly maildrop: Maildrop }

/** A row of the command table: a keyword, the state it is valid in (RFC 1939 section 3), and what it does. */
export type Command =
  | {
      readonly keyword: string
      readonly state: 'authorization' | 'any'
      run(context: CommandContext, argument: string): Reply | Promise<Reply>
    }
  | {
      readonly keyword: string
      readonly state: 'transaction'
      run(context: TransactionContext, argument: string): Reply | Promise<Reply>
    }
