import { join } from 'node:path'
import { decodeModifiedUtf7 } from 'mailserver'
import { directoryOf, mailboxOf } from '../names/folder-name.ts'
import { fingerprint, readText, replaceFile, withDotLock } from './disk.ts'

const DOVECOT = 'subscriptions'
const COURIER = 'courierimapsubscribed'
const VERSION_2 = 'V\t2'

/** Subscribed names of an account; undefined when no program has written any. */
export async function readSubscriptions(root: string): Promise<readonly string[] | undefined> {
  const dovecot = await readText(join(root, DOVECOT))
  if (dovecot !== undefined) return parseSubscriptions(dovecot)
  const courier = await readText(join(root, COURIER))
  return courier
    ?.split('\n')
    .filter(Boolean)
    .map(fromCourier)
    .filter((name) => name !== undefined)
}

/** Both of Dovecot's forms: names with dots, and since 2.3 levels between tabs under a line with the version. */
export function parseSubscriptions(text: string): string[] {
  const lines = text.split('\n')
  const isNew = lines[0] === VERSION_2
  const names = (isNew ? lines.slice(1) : lines)
    .filter((line) => line !== '')
    .map((line) => {
      const dotted = isNew ? line.replaceAll('\t', '.') : line
      return fromDotted(dotted)
    })
  return names.filter((name) => name !== undefined)
}

export function formatSubscriptions(names: readonly string[]): string {
  const lines = names.map((name) => (name === 'INBOX' ? name : directoryOf(name).slice(1).replaceAll('.', '\t')))
  return `${VERSION_2}\n\n${lines.map((line) => `${line}\n`).join('')}`
}

export async function writeSubscriptions(root: string, names: readonly string[]): Promise<string> {
  const path = join(root, DOVECOT)
  await withDotLock(path, () => replaceFile(path, formatSubscriptions(names)))
  return fingerprint(path)
}

export async function subscriptionsPrint(root: string): Promise<string> {
  return (await fingerprint(join(root, DOVECOT))) || fingerprint(join(root, COURIER))
}

/** Courier keeps every mailbox below INBOX. */
function fromCourier(line: string): string | undefined {
  return fromDotted(line.replace(/^INBOX\./, ''))
}

function fromDotted(text: string): string | undefined {
  if (/^inbox$/i.test(text)) return 'INBOX'
  return mailboxOf(`.${text}`) ?? decodeModifiedUtf7(text)
}
