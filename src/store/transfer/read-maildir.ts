import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn } from '../backup/whole-files.ts'
import { fileOctets } from './file-octets.ts'
import { flagsOf, mailboxOf, parseKeywords } from './maildir-names.ts'
import type { IncomingMailbox, IncomingMessage } from './transfer-message.ts'

/** Is it a Maildir? */
export async function isMaildir(path: string): Promise<boolean> {
  const names = await namesIn(path)
  return names.includes('cur') && names.includes('new')
}

/** Mailboxes of a Maildir++: the Maildir itself is INBOX, `.Name.Sub` in it are the others. */
export async function* readMaildir(root: string): AsyncGenerator<IncomingMailbox> {
  yield { name: 'INBOX', messages: messagesIn(root) }
  for (const name of await namesIn(root)) {
    const path = join(root, name)
    if (!name.startsWith('.') || name === '.' || name === '..' || !(await isMaildir(path))) continue
    yield { name: mailboxOf(name), messages: messagesIn(path) }
  }
}

async function* messagesIn(path: string): AsyncGenerator<IncomingMessage> {
  const keywords = parseKeywords(await readFile(join(path, 'dovecot-keywords'), 'utf8').catch(() => ''))
  const files = (
    await Promise.all(
      ['cur', 'new'].map(async (part) => (await namesIn(join(path, part))).map((name) => ({ part, name }))),
    )
  )
    .flat()
    .filter(({ name }) => !name.startsWith('.'))
  const uids = await uidsIn(path)
  const uidOf = (name: string) => uids.get(baseOf(name)) ?? Infinity
  // In the order they came: by UID where there are any, by the time in the name where not.
  files.sort((a, b) => uidOf(a.name) - uidOf(b.name) || timeIn(a.name) - timeIn(b.name) || (a.name < b.name ? -1 : 1))
  for (const { part, name } of files) {
    const file = join(path, part, name)
    const found = await stat(file).catch(() => undefined)
    // Moved or removed since the directory was read.
    if (found === undefined || !found.isFile()) continue
    yield {
      source: file,
      flags: flagsOf(/:2,([A-Za-z]*)/.exec(name)?.[1] ?? '', keywords),
      internalDate: Math.round(found.mtimeMs),
      octets: fileOctets(file, found.size),
    }
  }
}

/** `<uid> … :<name>` a line, behind the first. */
async function uidsIn(path: string): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(join(path, 'dovecot-uidlist'), 'utf8').catch(() => '')
  const uids = new Map<string, number>()
  for (const line of text.split('\n').slice(1)) {
    const match = /^(\d+) (?:.*?):(.*)$/.exec(line)
    if (match !== null) uids.set(baseOf(match[2] as string), Number(match[1]))
  }
  return uids
}

/** The name without flags and sizes: what does not change. */
const baseOf = (name: string): string => name.split(/[:,]/, 1)[0] ?? name

const timeIn = (name: string): number => Number.parseInt(name, 10) || 0
