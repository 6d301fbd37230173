import { setExitCode } from './exit.ts'
import { paint } from './paint.ts'

/** Exit code of wrong usage; oclif's parser errors carry the same. */
const USAGE = 2
const BAD_CONFIG = 78
const FAILED = 1

interface Told {
  readonly code: number
  readonly kind: 'config' | 'user' | 'usage' | 'fault'
  readonly message: string
  readonly problems?: readonly { readonly path: string; readonly message: string }[]
  readonly nextSteps: readonly string[]
}

/** Tells a person, or a program with `--json`, what went wrong and what to do; sets the exit code. */
export async function printError(error: Error, isJson: boolean): Promise<void> {
  const told = tell(error)
  setExitCode(told.code)
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ error: told }, undefined, 2)}\n`)
    return
  }
  const { message, nextSteps } = told
  const steps = nextSteps.map((step) => `  ${step}`)
  const lines = [
    `${paint.red('Error:', process.stderr)} ${message}`,
    ...(steps.length > 0 ? ['', 'Try:', ...steps] : []),
  ]
  if (told.kind === 'fault' && process.env.DEBUG !== undefined) lines.push('', error.stack ?? '')
  process.stderr.write(`${lines.join('\n')}\n`)
}

/** By shape and not by class: the error modules are only loaded by what throws their errors. */
function tell(error: Error): Told {
  const { name, message } = error
  const of = error as {
    nextSteps?: string[]
    exitCode?: number
    problems?: Told['problems']
    oclif?: { exit?: number }
  }
  if (name === 'ConfigError') {
    return { code: BAD_CONFIG, kind: 'config', message, ...(of.problems && { problems: of.problems }), nextSteps: [] }
  }
  if (name === 'UserError') {
    return { code: of.exitCode ?? FAILED, kind: 'user', message, nextSteps: of.nextSteps ?? [] }
  }
  if (of.oclif !== undefined) {
    return { code: codeOf(of.oclif.exit), kind: 'usage', message, nextSteps: [] }
  }
  return { code: FAILED, kind: 'fault', message: message || String(error), nextSteps: [] }
}

/** oclif's own code for an unknown command is that of a shell. */
const NOT_FOUND = 127

function codeOf(exit: number | undefined): number {
  return exit === undefined || exit === NOT_FOUND ? USAGE : exit
}
