import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathOf } from './file-names.ts'
import type { MailboxWriter, OutgoingMailbox } from './transfer-message.ts'

/** What a folder of .eml files cannot say by itself. */
export const SIDECAR = 'messages.json'

export interface Sidecar {
  readonly mailbox: string
  readonly uidValidity: number
  readonly messages: Readonly<Record<string, { readonly flags: readonly string[]; readonly internalDate: string }>>
}

const DIGITS = 10

/**
 * A directory with a file for each message, octet for octet, named after its UID. Its date is the file's time; flags
 * and the exact date are in `messages.json` beside them.
 */
export async function emlWriter(root: string, mailbox: OutgoingMailbox): Promise<MailboxWriter> {
  const path = join(root, pathOf(mailbox.name))
  await mkdir(path, { recursive: true, mode: 0o700 })
  const messages: Record<string, { flags: readonly string[]; internalDate: string }> = {}
  return {
    async write({ uid, flags, internalDate, octets }) {
      const name = `${String(uid).padStart(DIGITS, '0')}.eml`
      const file = await open(join(path, name), 'w', 0o600)
      try {
        for await (const piece of octets) await file.write(piece)
        await file.utimes(internalDate / 1000, internalDate / 1000)
      } finally {
        await file.close()
      }
      messages[name] = { flags, internalDate: new Date(internalDate).toISOString() }
    },
    async finish() {
      const sidecar: Sidecar = { mailbox: mailbox.name, uidValidity: mailbox.uidValidity, messages }
      await writeFile(join(path, SIDECAR), `${JSON.stringify(sidecar, undefined, 1)}\n`, { mode: 0o600 })
    },
  }
}
