import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { UserError } from '../errors/user-error.ts'

/**
 * Runs `npm install` in a directory; what npm says goes to stderr, so that stdout stays ours.
 * @throws UserError when npm is not there or fails
 */
export async function installPackages(directory: string): Promise<void> {
  const npm = spawn('npm', ['install', '--no-audit', '--no-fund'], { cwd: directory, stdio: ['ignore', 2, 2] })
  const nextSteps = [`cd ${directory} && npm install`]
  const [code] = (await once(npm, 'exit').catch((cause: Error) => {
    throw new UserError(`npm cannot be run: ${cause.message}`, { nextSteps, cause })
  })) as [number | null]
  if (code !== 0)
    throw new UserError(`npm install ended with ${code ?? 'a signal'}, and said why above.`, { nextSteps })
}
