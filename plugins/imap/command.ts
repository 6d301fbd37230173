import type { Completion } from './completion.ts'
import type { Session } from './session.ts'
import type { Arguments } from './wire/arguments.ts'
import type { CommandHead } from './wire/command-reader.ts'
import type { IncomingLiteral } from './wire/incoming-literal.ts'

export type State = 'not-authenticated' | 'authenticated' | 'selected'

export const ANY_STATE: readonly State[] = ['not-authenticated', 'authenticated', 'selected']
export const LOGGED_IN: readonly State[] = ['authenticated', 'selected']
export const SELECTED: readonly State[] = ['selected']

/** What the client is told of its mailbox before the tagged answer. */
export type Updates =
  | 'all'
  /** RFC 3501 section 7.4.1: no EXPUNGE while FETCH, STORE or SEARCH is answered. */
  | 'no-expunge'
  | 'none'

/** A command: typed arguments in, responses and a completion out. */
export interface CommandSpec<A> {
  /** In capitals, e.g. `UID FETCH`. */
  readonly name: string
  readonly states: readonly State[]
  /** `all` when absent. */
  readonly updates?: Updates
  /** It names messages by their numbers, which UIDONLY forbids. */
  readonly usesNumbers?: boolean
  /** Pure: reads the arguments to their end. @throws SyntaxFault, answered BAD */
  parse(args: Arguments, session: Session): A
  /** @throws MailError, answered by the table of errors */
  run(args: A, session: Session): Promise<Completion>
  /**
   * For a command that clients send many of at once: begins what it is to do, so that the next ones can be begun while the
   * store is at work. undefined when it must run alone. What it returns is called in its turn.
   */
  begin?(args: A, session: Session): Finish | undefined
  /** For a command that carries messages, which are read as they come and not into memory. */
  readonly message?: MessageSpec
}

/** Tells the client what a command has done, and completes it. */
export type Finish = () => Promise<Completion>

/** A command that was begun, or that runs only when it is finished. */
export interface Begun {
  readonly finish: Finish
  /** Others may be begun before it is finished. */
  readonly isUnderWay: boolean
}

export interface MessageSpec {
  /** Is the literal after these arguments a message? */
  takesMessage(args: Arguments): boolean
  /** Reads the command to its end, or refuses it with `session.input.refuse`. */
  receive(head: CommandHead, args: Arguments, literal: IncomingLiteral, session: Session): Promise<Completion>
}

/** The same without its arguments' type: what the table of commands holds. */
export interface Command {
  readonly name: string
  readonly states: readonly State[]
  readonly updates: Updates
  readonly usesNumbers: boolean
  readonly message: MessageSpec | undefined
  execute(args: Arguments, session: Session): Promise<Completion>
  /** undefined for a command that always runs alone. Never throws. */
  readonly begin: ((args: Arguments, session: Session) => Begun) | undefined
}

export function command<A>(spec: CommandSpec<A>): Command {
  const { begin } = spec
  return {
    name: spec.name,
    states: spec.states,
    updates: spec.updates ?? 'all',
    usesNumbers: spec.usesNumbers ?? false,
    message: spec.message,
    async execute(args, session) {
      const parsed = spec.parse(args, session)
      return await spec.run(parsed, session)
    },
    begin:
      begin === undefined
        ? undefined
        : (args, session) => {
            try {
              const parsed = spec.parse(args, session)
              const finish = begin(parsed, session)
              return { finish: finish ?? (() => spec.run(parsed, session)), isUnderWay: finish !== undefined }
            } catch (cause) {
              return { finish: () => Promise.reject(cause), isUnderWay: true }
            }
          },
  }
}

/** For `parse` of a command without arguments. */
export function noArguments(args: Arguments): void {
  args.end()
}

/** For `parse`: reads one argument after a space, and the end. */
export function only<T>(args: Arguments, read: (args: Arguments) => T): T {
  args.space()
  const value = read(args)
  args.end()
  return value
}
