import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nameOf } from './file-names.ts'
import { fileOctets } from './file-octets.ts'
import type { IncomingMailbox, IncomingMessage } from './transfer-message.ts'
import { SIDECAR, type Sidecar } from './write-eml.ts'

/** Directories of .eml files: each is a mailbox. Without a sidecar the file's time is the date, and there are no flags. */
export async function* readEml(root: string, prefix = ''): AsyncGenerator<IncomingMailbox> {
  const entries = await readdir(join(root, prefix), { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && /\.eml$/i.test(entry.name)).map(({ name }) => name)
  const sidecar = await readSidecar(join(root, prefix, SIDECAR))
  if (files.length > 0 || sidecar !== undefined) {
    yield {
      name: sidecar?.mailbox ?? (nameOf(prefix) || 'INBOX'),
      messages: messagesIn(join(root, prefix), files.sort(), sidecar),
    }
  }
  for (const entry of entries) if (entry.isDirectory()) yield* readEml(root, join(prefix, entry.name))
}

async function* messagesIn(
  path: string,
  names: readonly string[],
  sidecar: Sidecar | undefined,
): AsyncGenerator<IncomingMessage> {
  const known = new Map(Object.entries(sidecar?.messages ?? {}))
  for (const name of names) {
    const file = join(path, name)
    const one = known.get(name)
    const date = one === undefined ? Number.NaN : Date.parse(one.internalDate)
    const { mtimeMs, size } = await stat(file)
    const internalDate = Number.isNaN(date) ? Math.round(mtimeMs) : date
    const flags = Array.isArray(one?.flags) ? one.flags.filter((flag) => typeof flag === 'string') : []
    yield { source: file, flags, internalDate, octets: fileOctets(file, size) }
  }
}

async function readSidecar(path: string): Promise<Sidecar | undefined> {
  try {
    const sidecar = JSON.parse(await readFile(path, 'utf8')) as Partial<Sidecar>
    return typeof sidecar.mailbox === 'string' && typeof sidecar.messages === 'object'
      ? (sidecar as Sidecar)
      : undefined
  } catch {
    // None, or another file of that name: the directory speaks for itself.
    return undefined
  }
}
