import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { CRASH_STORAGE_URL, diskOf, storageOf } from './crash-storage.ts'

/** Who gets the mail of the test. The name never resolves. */
export const CRASH_ADDRESS = 'mail@crash-test.invalid'

/** A config of its own in a directory of its own, for a server that is going to be killed. */
export interface CrashProject {
  readonly directory: string
  readonly configFile: string
  readonly dataDir: string
  remove(): void
}

/**
 * Makes the project on the disk where the config keeps mail, with the same storage.
 * @param packageRoot directory of this package
 */
export function makeCrashProject(config: ResolvedConfig, packageRoot: string): CrashProject {
  const disk = diskOf(config)
  mkdirSync(disk, { recursive: true, mode: 0o700 })
  const directory = mkdtempSync(join(disk, 'crash-test-'))
  mkdirSync(join(directory, 'node_modules'))
  symlinkSync(packageRoot, join(directory, 'node_modules', 'mailserver'))
  const configFile = join(directory, 'mailserver.config.mjs')
  writeFileSync(configFile, textOf(config))
  return {
    directory,
    configFile,
    dataDir: join(directory, 'data'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

function textOf({ file, workers }: ResolvedConfig): string {
  return `import { defineConfig } from 'mailserver'
import { smtp } from 'mailserver/plugins/smtp'
import { ${storageOf.name} } from ${JSON.stringify(CRASH_STORAGE_URL)}

export default defineConfig({
  hostname: 'crash-test.invalid',
  domains: ['crash-test.invalid'],
  dataDir: './data',
  workers: ${workers},
  dns: { servers: ['127.0.0.1:1'], timeout: '50ms' },
  limits: { drain: '1s' },
  plugins: [...(await ${storageOf.name}(${JSON.stringify(file)})), smtp({ listen: ['127.0.0.1:0'] })],
  accounts: [${JSON.stringify(CRASH_ADDRESS)}],
})
`
}
