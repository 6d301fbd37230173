/** One thing that is wrong with a configuration, and where. */
export interface ConfigProblem {
  /** Path inside the config, e.g. `plugins[2] greylist.delay`. Empty for the file as a whole. */
  readonly path: string
  /** What was expected, what was found. */
  readonly message: string
}

/** The configuration cannot be used. Carries every problem found, not just the first. Exit code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly file: string | undefined
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[], options?: { file?: string | undefined; cause?: unknown }) {
    const where = options?.file === undefined ? 'The configuration' : options.file
    const lines = problems.map(({ path, message }) => `  ${path === '' ? message : `${path}: ${message}`}`)
    super(`${where} cannot be used:\n${lines.join('\n')}`, options?.cause === undefined ? {} : { cause: options.cause })
    this.file = options?.file
    this.problems = problems
  }
}
