import { randomBytes } from 'node:crypto'
import { lstat, rename, rm, stat } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { UserError } from '../errors/user-error.ts'
import { listening } from './listening.ts'
import { heldByAnotherThread, hold, letGo } from './unix-holders.ts'

/** A local peer that is alive accepts at once; this is for one that is stopped. */
const PROBE_TIMEOUT_MS = 1_000

/** What a draft's name is longer than the path it is for. */
export const DRAFT_SUFFIX_BYTES = 7

/** Where each server's socket is, and its inode: by now another may stand there. */
const bound = new WeakMap<Server, { readonly path: string; readonly inode: bigint }>()

/**
 * Listens on a unix socket. It is made beside its place and moved there: a client never finds none, and the close of the one
 * before, which unlinks the name it was made with, cannot take ours away. What is replaced: a socket that a crash left
 * behind, and one of an older worker of this process. What somebody else answers on is not.
 * @throws UserError when the directory is missing or a file that is no socket stands there; Error of node:net
 */
export async function bindUnix(server: Server, path: string, backlog: number): Promise<void> {
  await assertDirectory(dirname(path))
  if (!(await isReplaceable(path))) throw Object.assign(new Error('somebody answers there'), { code: 'EADDRINUSE' })
  const draft = `${path}.${randomBytes((DRAFT_SUFFIX_BYTES - 1) / 2).toString('hex')}`
  await listening(server, { path: draft, backlog })
  try {
    const { ino } = await lstat(draft, { bigint: true })
    await rename(draft, path)
    bound.set(server, { path, inode: ino })
    hold(path)
  } catch (cause) {
    server.close()
    throw cause
  }
}

/** Takes the server's socket away, unless another has taken its place. */
export async function unbindUnix(server: Server): Promise<void> {
  const { path, inode } = bound.get(server) ?? {}
  if (path === undefined) return
  bound.delete(server)
  letGo(path)
  const found = await lstat(path, { bigint: true }).catch(() => undefined)
  if (found?.ino === inode) await rm(path, { force: true })
}

/** Node reports a missing directory as a missing permission. */
async function assertDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(({ code }: NodeJS.ErrnoException) => code)
  if (found === 'ENOENT') {
    throw new UserError(`${directory} does not exist: no socket can be made in it.`, { nextSteps: ['Make it first'] })
  }
}

async function isReplaceable(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined)
  if (file === undefined) return true
  if (!file.isSocket()) {
    throw new UserError(`unix:${path} is a file and no socket.`, {
      nextSteps: ['Move it away, or choose another path'],
    })
  }
  return !(await answers(path)) || heldByAnotherThread(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    const answer = (isAlive: boolean) => {
      probe.destroy()
      resolve(isAlive)
    }
    probe.setTimeout(PROBE_TIMEOUT_MS, () => answer(true))
    probe.once('connect', () => answer(true))
    probe.once('error', ({ code }: NodeJS.ErrnoException) => answer(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}
