import { dirname } from 'node:path'
import { ConfigError } from '../errors/config-error.ts'
import { UserError } from '../errors/user-error.ts'
import { importConfig } from './import-config.ts'
import { resolveConfig } from './resolve-config.ts'
import type { ResolvedConfig } from './resolved-config.ts'

/**
 * Reads, evaluates and checks a config file.
 * @param file absolute path
 * @throws ConfigError that names the file and carries every problem found
 */
export async function loadConfig(file: string, env: NodeJS.ProcessEnv = process.env): Promise<ResolvedConfig> {
  return resolveConfig(await evaluate(file, env), file)
}

async function evaluate(file: string, env: NodeJS.ProcessEnv): Promise<unknown> {
  try {
    const exported = await importConfig(file)
    const config = typeof exported === 'function' ? await exported(env) : await exported
    if (config !== undefined && config !== null) return config
  } catch (cause) {
    if (cause instanceof ConfigError || cause instanceof UserError) throw cause
    throw new ConfigError([{ path: '', message: evaluationProblem(cause, file) }], { file, cause })
  }
  const message = 'expected the configuration as default export: export default defineConfig({ … })'
  throw new ConfigError([{ path: '', message }], { file })
}

/** Where and why the file could not be evaluated, in one line. */
function evaluationProblem(cause: unknown, file: string): string {
  if (!(cause instanceof Error)) return `threw ${String(cause)}`
  const code = (cause as NodeJS.ErrnoException).code
  const missing = /Cannot find package '([^']+)'/.exec(cause.message)?.[1]
  if (code === 'ERR_MODULE_NOT_FOUND' && missing !== undefined) {
    return `imports ${missing}, which is not installed: npm install ${missing} in ${dirname(file)}`
  }
  const ours = (cause.stack ?? '').split('\n').find((text) => text.includes(dirname(file)))
  const line = /([^/\s()]+\.[mc]?[jt]s)(?:\?[^:\s)]*)?:(\d+)/.exec(ours ?? '')
  const where = line === null ? '' : `${line[1]}:${line[2]}: `
  return `${where}${cause.name}: ${cause.message.split('\n')[0]}`
}
