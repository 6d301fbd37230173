import { randomBytes } from 'node:crypto'
import { readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Passwords that were made for accounts of the config that have none: kept for the operator to hand out, readable by
 * the server's user alone. An entry goes when the account gets a password of its own; deleting the file loses nothing
 * but the clear text.
 */
export class GeneratedPasswords {
  readonly #path: string

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'generated-passwords.json')
  }

  /** Address to password; empty when there is no file. */
  async read(): Promise<Record<string, string>> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as Record<string, string>
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw error
    }
  }

  async set(address: string, password: string): Promise<void> {
    await this.#write({ ...(await this.read()), [address]: password })
  }

  async remove(address: string): Promise<void> {
    const { [address]: gone, ...rest } = await this.read()
    if (gone === undefined) return
    if (Object.keys(rest).length === 0) await unlink(this.#path)
    else await this.#write(rest)
  }

  /** In one step: whoever reads meanwhile sees the old file or the new one. */
  async #write(passwords: Record<string, string>): Promise<void> {
    const draft = `${this.#path}.${randomBytes(4).toString('hex')}`
    await writeFile(draft, `${JSON.stringify(passwords, null, 2)}\n`, { mode: 0o600 })
    await rename(draft, this.#path)
  }
}
