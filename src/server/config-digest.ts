import { createHash } from 'node:crypto'
import { describeConfig } from '../config/describe-config.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'

/** Equal for two evaluations of the same configuration. */
export async function configDigest(config: ResolvedConfig): Promise<string> {
  return createHash('sha256')
    .update(JSON.stringify(await describeConfig(config)))
    .digest('hex')
}
