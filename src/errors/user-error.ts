/** Exit codes of the command line: 0 done, 1 failed, 2 wrong usage, 3 the server is not running, 78 bad config. */
export const EXIT = { done: 0, failed: 1, usage: 2, notRunning: 3, badConfig: 78 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Something the person at the terminal can put right. Printed without a stack, with its next steps. */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly exitCode: ExitCode
  readonly nextSteps: readonly string[]

  constructor(message: string, options: { nextSteps?: readonly string[]; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.exitCode = options.exitCode ?? EXIT.failed
    this.nextSteps = options.nextSteps ?? []
  }
}
