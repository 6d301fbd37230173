import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { inspect } from 'node:util'
import { UserError } from '../errors/user-error.ts'

/** How long a command of `secret.exec` may take. */
const EXEC_TIMEOUT_MS = 10_000

/** A value that is looked up when it is needed and never printed: not by `plan`, not in a log, not as JSON. */
export class Secret {
  readonly #source: string
  readonly #read: (configDir: string) => string

  constructor(source: string, read: (configDir: string) => string) {
    this.#source = source
    this.#read = read
  }

  /** The secret itself. @throws UserError that names where it was looked for */
  reveal(configDir: string): string {
    try {
      return this.#read(configDir)
    } catch (cause) {
      throw new UserError(
        `The secret ${this.#source} could not be read: ${cause instanceof Error ? cause.message : cause}`,
        {
          cause,
        },
      )
    }
  }

  /** Where it comes from, e.g. `env SMARTHOST_PASSWORD`; never what it is. */
  toString(): string {
    return `[secret ${this.#source}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/** By its shape: a config may come with a copy of this package other than ours, and its secrets are secrets too. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Secret>).reveal === 'function'
}

export const secret = {
  /** The value of an environment variable. */
  env: (name: string): Secret =>
    new Secret(`env ${name}`, () => {
      const value = process.env[name]
      if (value === undefined) throw new Error(`the environment has no ${name}`)
      return value
    }),
  /** The content of a file, without its last newline. */
  file: (path: string): Secret =>
    new Secret(`file ${path}`, (configDir) =>
      readFileSync(isAbsolute(path) ? path : resolve(configDir, path), 'utf8').replace(/\r?\n$/, ''),
    ),
  /** What a command prints, without its last newline: `secret.exec('pass', 'mail/smarthost')`. No shell is involved. */
  exec: (command: string, ...args: readonly string[]): Secret =>
    new Secret(`exec ${command}`, (configDir) =>
      execFileSync(command, [...args], { cwd: configDir, encoding: 'utf8', timeout: EXEC_TIMEOUT_MS }).replace(
        /\r?\n$/,
        '',
      ),
    ),
}
