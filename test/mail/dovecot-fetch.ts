import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratch } from '../support/peer.ts'
import { type ImapValue, parseImapValue } from './parse-imap-value.ts'

/** Dovecot's own answers for messages, by the place of each. */
export interface Fetched {
  readonly ENVELOPE: ImapValue
  readonly BODYSTRUCTURE: ImapValue
  readonly BODY: ImapValue
}

const IMAP = '/usr/lib/dovecot/imap'
/** Dovecot reads no mail as root: nobody does. */
const NOBODY = 65534
const TIMEOUT_MS = 30_000

export async function dovecotFetch(messages: readonly Buffer[]): Promise<readonly Fetched[]> {
  const text = await dovecotDialog(messages, ['FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY)'])
  return parseFetches(text, messages.length)
}

/**
 * Puts messages into a Maildir, says commands to Dovecot's imap process, which speaks on its standard input without a login,
 * and returns everything it answers.
 */
export async function dovecotDialog(messages: readonly Buffer[], commands: readonly string[]): Promise<string> {
  using home = scratch('dovecot')
  const isRoot = process.getuid?.() === 0
  const [uid, gid] = isRoot ? [NOBODY, NOBODY] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  const directories = ['', 'mail', 'mail/cur', 'mail/new', 'mail/tmp'].map((name) => join(home.path, name))
  for (const path of directories) mkdirSync(path, { recursive: true })
  messages.forEach((message, place) => {
    writeFileSync(join(home.path, `mail/cur/${String(1000 + place)}.M1P1.host:2,S`), message, { mode: 0o644 })
  })
  if (isRoot) for (const path of directories) chownSync(path, uid, gid)
  const config = join(home.path, 'dovecot.conf')
  writeFileSync(
    config,
    `mail_location = maildir:${home.path}/mail
base_dir = ${home.path}/run
log_path = /dev/null
mail_uid = ${uid}
mail_gid = ${gid}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
`,
  )
  return await converse(config, home.path, commands)
}

/**
 * Dovecot takes a socket, which is what a child of Node has, for inetd: hence the pipes. Its input stays open until it
 * has logged out, because at the end of input it gives up on output that waits.
 */
async function converse(config: string, home: string, commands: readonly string[]): Promise<string> {
  const child = spawn('/bin/sh', ['-c', 'cat | "$0" -c "$1" | cat', IMAP, config], {
    env: { PATH: process.env.PATH, HOME: home, USER: 'tester' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const timer = setTimeout(() => child.stdin.end(), TIMEOUT_MS)
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    output.push(chunk)
    if (chunk.includes('z OK ')) child.stdin.end()
  })
  const lines = ['SELECT INBOX', ...commands].map((line, at) => `${at + 1} ${line}\r\n`)
  child.stdin.write(`${lines.join('')}z LOGOUT\r\n`)
  await once(child, 'close')
  clearTimeout(timer)
  return Buffer.concat(output).toString('latin1')
}

function parseFetches(text: string, count: number): Fetched[] {
  const fetched: Fetched[] = []
  let at = text.indexOf('* 1 FETCH (')
  for (let place = 1; place <= count; place++) {
    const opening = `* ${place} FETCH (`
    at = text.indexOf(opening, at)
    if (at === -1) throw new Error(`Dovecot did not answer for message ${place}:\n${text.slice(-500)}`)
    at += opening.length
    const values = new Map<string, ImapValue>()
    while (text[at - 1] !== ')') {
      const space = text.indexOf(' ', at)
      const { value, end } = parseImapValue(text, space + 1)
      values.set(text.slice(at, space), value)
      at = end + 1
    }
    fetched.push(Object.fromEntries(values) as unknown as Fetched)
  }
  return fetched
}
