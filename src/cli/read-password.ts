import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { EXIT, UserError } from '../errors/user-error.ts'

/** Letters and digits that nobody mistakes for one another: 5.8 bits each. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const GENERATED_LENGTH = 20
/** A password that is piped in is a line; whoever pipes a film in made a mistake. */
const MAX_BYTES = 4096

export interface PasswordFlags {
  readonly 'password-stdin': boolean
  readonly generate: boolean
}

/**
 * A new password: from standard input, made up, or asked for twice without showing it. Never from the command line,
 * which every user of the machine can read.
 * @throws UserError (exit code 2) when there is no terminal to ask at
 */
export async function readPassword(flags: PasswordFlags): Promise<string> {
  if (flags.generate) return generatePassword()
  const password = flags['password-stdin'] ? await fromStdin() : await fromTerminal()
  if (password === '') throw new UserError('The password is empty.', { exitCode: EXIT.usage })
  return password
}

export function generatePassword(): string {
  return Array.from({ length: GENERATED_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

async function fromStdin(): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) throw new UserError('The password is too long.', { exitCode: EXIT.usage })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

async function fromTerminal(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UserError('There is no terminal to ask for the password at.', {
      exitCode: EXIT.usage,
      nextSteps: ['Pipe it in: … --password-stdin < file', 'Or have one made: … --generate'],
    })
  }
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  // From here on the terminal shows nothing: before the question, or fast fingers would be seen.
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  try {
    const password = await ask(terminal, 'Password: ')
    if ((await ask(terminal, 'The same again: ')) !== password) throw new UserError('The two were not the same.')
    return password
  } finally {
    terminal.close()
  }
}

async function ask(terminal: Interface, question: string): Promise<string> {
  process.stderr.write(question)
  const answered = new AbortController()
  const { signal } = answered
  try {
    const given = once(terminal, 'line', { signal }).then(([line]) => String(line))
    const ended = Promise.race([once(terminal, 'SIGINT', { signal }), once(terminal, 'close', { signal })])
    given.catch(nothing)
    ended.catch(nothing)
    const line = await Promise.race([given, ended.then(() => undefined)])
    if (line === undefined) throw new UserError('Nothing was changed.')
    return line
  } finally {
    answered.abort()
    process.stderr.write('\n')
  }
}

const nothing = () => {}
