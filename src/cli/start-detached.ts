import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConfigError, type ConfigProblem } from '../errors/config-error.ts'
import { UserError } from '../errors/user-error.ts'
import { prepareDataDirectory } from '../server/data-directory.ts'
import { logFileOf } from './log-file.ts'
import type { StartCard } from './start-card.ts'

/** What the detached process tells the one that started it, once. */
export type StartMessage =
  | { readonly kind: 'started'; readonly card: StartCard }
  | { readonly kind: 'failed'; readonly error: FailedStart }

interface FailedStart {
  readonly name: string
  readonly message: string
  readonly nextSteps: readonly string[]
  readonly problems?: readonly ConfigProblem[]
  readonly file?: string | undefined
}

/** Beyond this something hangs; a large store that was not closed is read through in less. */
const START_MS = 240_000

/**
 * Starts the server in a process of its own and resolves when everything listens.
 * @throws ConfigError, UserError with the reason when it does not start
 */
export async function startDetached(configFile: string, dataDir: string): Promise<StartCard> {
  prepareDataDirectory(dataDir)
  const logFile = logFileOf(dataDir)
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const output = openSync(logFile, 'a', 0o600)
  const args = [...process.execArgv, process.argv[1] ?? '', 'start', '--child', '--config', configFile]
  const child = spawn(process.execPath, args, {
    detached: true,
    // Anything that is printed past the log, such as a crash of Node.js itself, is found there too.
    stdio: ['ignore', output, output, 'ipc'],
  })
  closeSync(output)
  const deadline = AbortSignal.timeout(START_MS)
  try {
    const message = await firstMessage(child, logFile, deadline)
    if (message.kind === 'failed') throw errorOf(message.error)
    return message.card
  } catch (error) {
    if (deadline.aborted) child.kill('SIGKILL')
    throw error
  } finally {
    if (child.connected) child.disconnect()
    child.unref()
  }
}

async function firstMessage(child: ReturnType<typeof spawn>, logFile: string, signal: AbortSignal) {
  const ended = once(child, 'exit', { signal }).then(([code, by]) => {
    throw new UserError(`The server ended while it started (${by ?? `exit code ${code}`}).`, {
      nextSteps: [`See why in ${logFile}`],
    })
  })
  const told = once(child, 'message', { signal }).then(([message]) => message as StartMessage)
  // One of the two loses the race, and its rejection is nobody's news.
  ended.catch(() => {})
  told.catch(() => {})
  return Promise.race([told, ended])
}

export function packFailure(error: unknown): FailedStart {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  if (error instanceof ConfigError) return { name, message, nextSteps: [], problems: error.problems, file: error.file }
  return { name, message, nextSteps: error instanceof UserError ? error.nextSteps : [] }
}

function errorOf({ message, nextSteps, problems, file }: FailedStart): Error {
  if (problems !== undefined) return new ConfigError(problems, { file })
  return new UserError(message, { nextSteps })
}
