import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, scratch } from '../support/peer.ts'
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

/** Puts messages into a Maildir and asks Dovecot's imap process, which speaks on its standard input without a login. */
export async function dovecotFetch(messages: readonly Buffer[]): Promise<readonly Fetched[]> {
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
log_path = /dev/stderr
mail_uid = ${uid}
mail_gid = ${gid}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
`,
  )
  // Latin1 in and out: every octet one character.
  const input = '1 SELECT INBOX\r\n2 FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY)\r\n3 LOGOUT\r\n'
  const output = await run('/bin/sh', ['-c', `${IMAP} -c ${config} | base64 -w0`], {
    input,
    env: { HOME: home.path, USER: 'tester' },
  })
  return parseFetches(Buffer.from(output.stdout, 'base64').toString('latin1'), messages.length, output.stderr)
}

function parseFetches(text: string, count: number, log: string): Fetched[] {
  const fetched: Fetched[] = []
  let at = text.indexOf('* 1 FETCH (')
  for (let place = 1; place <= count; place++) {
    const opening = `* ${place} FETCH (`
    at = text.indexOf(opening, at)
    if (at === -1) throw new Error(`Dovecot did not answer for message ${place}:\n${log}\n${text.slice(-500)}`)
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
