import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execute, settings } from '@oclif/core'

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
  await execute({
    args: [...args],
    loadOptions: { root, pjson: { ...pjson, oclif }, ignoreManifest: options.isSource },
  })
}
