import { ConfigError } from '../errors/config-error.ts'
import { MailError } from '../errors/mail-error.ts'
import { UserError } from '../errors/user-error.ts'
import { PluginStartError } from '../kernel/host.ts'
import type { StartError } from './worker-messages.ts'

/** An error as it crosses from a worker to the supervisor. */
export function packStartError(error: unknown): StartError {
  if (error instanceof ConfigError) {
    const { message, problems, file } = error
    return { kind: 'config', message, problems, ...(file !== undefined && { file }) }
  }
  if (error instanceof UserError) return { kind: 'user', message: error.message, nextSteps: error.nextSteps }
  const message = error instanceof Error ? error.message : String(error)
  const stack = error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}
  if (error instanceof PluginStartError) {
    const cause = error.cause
    const nextSteps = cause instanceof UserError ? cause.nextSteps : stepsFor(cause)
    return { kind: 'plugin', message, plugin: error.plugin, nextSteps, ...stack }
  }
  return { kind: 'fault', message, ...stack }
}

/** The same error on the supervisor's side: it says which plugin, why, and what to change. */
export function unpackStartError(error: StartError): ConfigError | UserError {
  if (error.kind === 'config') return new ConfigError(error.problems ?? [], { file: error.file })
  const nextSteps = [...(error.nextSteps ?? [])]
  if (error.kind === 'plugin' && nextSteps.length === 0) {
    nextSteps.push(`Correct the options of ${error.plugin} in the config, or take the plugin out, and start again.`)
  }
  const cause = new Error(error.message)
  if (error.stack !== undefined) cause.stack = error.stack
  return new UserError(sentence(error.message), { nextSteps, cause })
}

/** What helps against a fault that no option of the plugin has to do with. */
function stepsFor(cause: unknown): readonly string[] {
  if (!(cause instanceof MailError)) return []
  if (cause.code === 'STORE_FULL') return ['Make room on that disk, and start again.']
  if (cause.code === 'CORRUPT') return ['Look at the disk, and put the data directory back from a backup.']
  return []
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
