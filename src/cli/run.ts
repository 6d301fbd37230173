import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Config, flush, run, settings } from '@oclif/core'
import { printError } from './print-error.ts'

/**
 * Runs the command line.
 * @param root directory of this package
 * @param options.isSource run the commands from their sources, with no manifest
 */
export async function runCli(root: string, args: readonly string[], options: { isSource: boolean }): Promise<void> {
  // Node strips types by itself: oclif shall not look for a transpiler.
  settings.enableAutoTranspile = false
  const pjson = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const oclif = options.isSource ? { ...pjson.oclif, commands: './src/cli/commands' } : pjson.oclif
  const config = await Config.load({ root, pjson: { ...pjson, oclif }, ignoreManifest: options.isSource })
  try {
    await run([...args], config)
  } catch (error) {
    // Commands print their own errors: what arrives here is about the command line itself, such as an unknown command.
    await printError(error instanceof Error ? error : new Error(String(error)), args.includes('--json'))
  }
  await flush()
}
