import { readFile } from 'node:fs/promises'
import type { Log } from '../kernel/log.ts'
import type { ListenRequest } from './listeners.ts'

/** Files that a server has open beside its connections: the store, logs, outgoing connections. */
const OTHER_FILES = 200

/**
 * Warns when the process may not open as many files as the listener may have connections. Past that limit the kernel's
 * backlog is emptied by closing what waits in it, without a word to anybody.
 */
export async function warnOnFewFiles({ protocol, limits }: ListenRequest, log: Log): Promise<void> {
  const openFiles = await openFilesLimit()
  if (openFiles === undefined || limits.maxConnections + OTHER_FILES <= openFiles) return
  log.warn(
    { protocol, maxConnections: limits.maxConnections, openFiles },
    'this process may open fewer files than this listener may have connections: raise the limit (ulimit -n, LimitNOFILE=)',
  )
}

/** Undefined where the system does not tell. */
async function openFilesLimit(): Promise<number | undefined> {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))
    return match === null ? undefined : Number(match[1])
  } catch {
    // Linux alone has this file; elsewhere nobody is warned.
    return undefined
  }
}
