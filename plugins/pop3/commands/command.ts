import type { Credentials } from 'mailserver'
import type { Maildrop } from '../maildrop.ts'
import type { Reply } from '../wire/reply.ts'

export type Login = Pick<Credentials, 'mechanism' | 'login' | 'password' | 'authorizationId'>

/** What a command sees of its session. */
export interface CommandContext {
  readonly isTls: boolean
  /** undefined in the AUTHORIZATION state. */
  readonly maildrop: Maildrop | undefined
  /** What USER gave, for PASS to use. */
  loginName: string | undefined
  /** Checks who it is and opens the maildrop; answers the command, and is slow to say no. */
  login(login: Login): Promise<Reply>
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
