import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ServerStatus } from '../control/server-status.ts'
import { formatAddress } from '../mail/address.ts'
import { type StartCard, startCard } from './start-card.ts'

/** Where the directory keeps the passwords that it made for accounts of the config. */
const GENERATED = 'generated-passwords.json'

/** The card of a server that has just started. */
export async function readCard(config: ResolvedConfig, status: ServerStatus): Promise<StartCard> {
  const accounts = config.accounts.map(({ address }) => formatAddress(address))
  // systemd keeps what is printed in its journal, for others to read.
  const isKept = process.env.JOURNAL_STREAM !== undefined
  return startCard(status, accounts, isKept ? {} : await generatedPasswords(config.dataDir))
}

async function generatedPasswords(dataDir: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(join(dataDir, GENERATED), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
