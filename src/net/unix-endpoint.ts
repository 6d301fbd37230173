import { lstat, rm, stat } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { UserError } from '../errors/user-error.ts'
import { listening } from './listening.ts'

/** A local peer that is alive accepts at once; this is for one that is stopped. */
const PROBE_TIMEOUT_MS = 1_000

/**
 * Listens on a unix socket. A socket that a crash left behind is replaced, one that somebody answers on is not.
 * @throws UserError when its directory is missing or a file that is no socket stands there; Error of node:net
 */
export async function bindUnix(server: Server, path: string, backlog: number): Promise<void> {
  await assertDirectory(dirname(path))
  try {
    await listening(server, { path, backlog })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !(await isStale(path))) throw cause
    await rm(path, { force: true })
    await listening(server, { path, backlog })
  }
}

/** Node reports a missing directory as a missing permission. */
async function assertDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(({ code }: NodeJS.ErrnoException) => code)
  if (found === 'ENOENT') {
    throw new UserError(`${directory} does not exist: no socket can be made in it.`, { nextSteps: ['Make it first'] })
  }
}

async function isStale(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined)
  if (file === undefined) return true
  if (!file.isSocket()) {
    throw new UserError(`unix:${path} is a file and no socket.`, {
      nextSteps: ['Move it away, or choose another path'],
    })
  }
  return new Promise((resolve) => {
    const probe = connect(path)
    const answer = (stale: boolean) => {
      probe.destroy()
      resolve(stale)
    }
    probe.setTimeout(PROBE_TIMEOUT_MS, () => answer(false))
    probe.once('connect', () => answer(false))
    probe.once('error', ({ code }: NodeJS.ErrnoException) => answer(code === 'ECONNREFUSED' || code === 'ENOENT'))
  })
}
