import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fieldValue, headerEnd, selectFields } from '../../mail/header.ts'
import { pathOf } from './file-names.ts'
import { ToLf } from './line-ends.ts'
import { fromLine, MBOX_FIELDS, statusFields } from './mbox-status.ts'
import type { MailboxWriter, OutgoingMailbox, OutgoingMessage } from './transfer-message.ts'

export const MBOX_END = '.mbox'
const BUFFER_BYTES = 1024 * 1024
const LF = 10
const FROM = Buffer.from('From ')
const QUOTE = Buffer.from('>')

/**
 * One file in the mboxrd form: a line of the text that begins with `From `, behind any number of `>`, gets one more.
 * Flags are in Status, X-Status and X-Keywords, UIDs in X-UID and X-IMAPbase, as mutt and Dovecot read them.
 */
export async function mboxWriter(root: string, mailbox: OutgoingMailbox): Promise<MailboxWriter> {
  const path = join(root, pathOf(mailbox.name) + MBOX_END)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const out = new Output(await open(path, 'w', 0o600))
  let isFirst = true
  return {
    async write(message) {
      const base = isFirst ? baseField(mailbox) : ''
      isFirst = false
      await writeMessage(out, message, base)
    },
    finish: () => out.close(),
  }
}

/** UIDVALIDITY, the last UID, and every keyword. */
const baseField = ({ uidValidity, uidNext, keywords }: OutgoingMailbox): string =>
  `X-IMAPbase: ${[uidValidity, uidNext - 1, ...keywords].join(' ')}\n`

async function writeMessage(out: Output, message: OutgoingMessage, base: string): Promise<void> {
  const { headerBytes, internalDate, flags, uid } = message
  const lines = new ToLf()
  const quoted = new QuotedLines()
  let header: Buffer | undefined
  let waiting: Buffer[] = []
  let size = 0
  const begin = async (bytes: Buffer) => {
    header = bytes.subarray(0, Math.min(headerBytes, headerEnd(bytes)))
    const kept = selectFields(header, MBOX_FIELDS, { not: true })
    // The empty line at its end goes behind what is added.
    const text = trimEnd(new ToLf().convert(kept))
    await out.write(Buffer.from(fromLine(senderOf(header), internalDate)))
    if (text.length > 0) await out.write(Buffer.concat([text, Buffer.from('\n')]))
    await out.write(Buffer.from(`${base}${statusFields(flags, uid)}\n`))
    await out.write(quoted.convert(lines.convert(bytes.subarray(header.length))))
  }
  for await (const piece of message.octets) {
    if (header !== undefined) {
      await out.write(quoted.convert(lines.convert(piece)))
      continue
    }
    waiting.push(Buffer.from(piece))
    size += piece.length
    if (size < headerBytes) continue
    await begin(Buffer.concat(waiting))
    waiting = []
  }
  if (header === undefined) await begin(Buffer.concat(waiting))
  await out.write(quoted.convert(lines.end()))
  await out.write(quoted.end())
}

/** Return-Path is what the line stands for; without one nobody knows. */
function senderOf(header: Buffer): string {
  const path = fieldValue(header, 'Return-Path')?.replace(/^<|>$/g, '').trim()
  return path !== undefined && /^[\x21-\x7e]+$/.test(path) ? path : 'MAILER-DAEMON'
}

function trimEnd(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === LF) end--
  return bytes.subarray(0, end)
}

/** Quotes lines as the mboxrd form does, of text that comes in pieces. */
class QuotedLines {
  #rest: Buffer = Buffer.alloc(0)
  #endsLine = true

  convert(piece: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    const whole = bytes.lastIndexOf(LF) + 1
    // A line that does not end is looked at once it does, or is so long that it begins with nothing of ours.
    const end = bytes.length - whole > BUFFER_BYTES ? bytes.length : whole
    this.#rest = Buffer.from(bytes.subarray(end))
    return this.#quoted(bytes.subarray(0, end))
  }

  /** What is left, with the line end that a message must have and the empty line behind it. */
  end(): Buffer {
    const rest = this.#quoted(this.#rest)
    return Buffer.concat([rest, Buffer.from(this.#endsLine ? '\n' : '\n\n')])
  }

  #quoted(bytes: Buffer): Buffer {
    if (bytes.length === 0) return bytes
    const pieces: Buffer[] = []
    let from = 0
    for (let at = bytes.indexOf(FROM); at !== -1; at = bytes.indexOf(FROM, at + 1)) {
      let start = at
      while (start > 0 && bytes[start - 1] === 0x3e) start--
      const isLineStart = start === 0 ? this.#endsLine : bytes[start - 1] === LF
      if (!isLineStart) continue
      pieces.push(bytes.subarray(from, start), QUOTE)
      from = start
    }
    this.#endsLine = bytes.at(-1) === LF
    if (from === 0 && pieces.length === 0) return bytes
    return Buffer.concat([...pieces, bytes.subarray(from)])
  }
}

/** Writes in large pieces. */
class Output {
  readonly #file: FileHandle
  #waiting: Buffer[] = []
  #bytes = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  async write(bytes: Buffer): Promise<void> {
    // What is kept must not change under it.
    this.#waiting.push(Buffer.from(bytes))
    this.#bytes += bytes.length
    if (this.#bytes >= BUFFER_BYTES) await this.#flush()
  }

  async close(): Promise<void> {
    try {
      await this.#flush()
    } finally {
      await this.#file.close()
    }
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#bytes = 0
    if (bytes.length > 0) await this.#file.write(bytes)
  }
}
