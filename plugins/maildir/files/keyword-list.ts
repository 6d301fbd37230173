import { join } from 'node:path'
import { type Keywords, MAX_KEYWORDS } from '../names/flag-letters.ts'
import { fingerprint, readText, replaceFile, withDotLock } from './disk.ts'
import { withUidList } from './uid-list.ts'

const SYSTEM = /^\\/

/** `dovecot-keywords` of a folder: which letter stands for which keyword. Read again when another program has changed it. */
export class KeywordList {
  readonly #folder: string
  readonly #path: string
  #print: string | undefined
  #keywords: (string | undefined)[] = []

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, 'dovecot-keywords')
  }

  async read(): Promise<Keywords> {
    const print = await fingerprint(this.#path)
    if (print !== this.#print) {
      this.#keywords = parseKeywords((await readText(this.#path)) ?? '')
      this.#print = print
    }
    return this.#keywords
  }

  /** Gives each keyword among the flags a letter, as long as there are any. */
  async learn(flags: Iterable<string>): Promise<Keywords> {
    const known = await this.read()
    const missing = unknown(flags, known)
    if (missing.length === 0) return known
    const change = async () => {
      const current = [...parseKeywords((await readText(this.#path)) ?? '')]
      const before = current.length
      for (const keyword of unknown(missing, current)) {
        const at = nextFree(current)
        if (at < MAX_KEYWORDS) current[at] = keyword
      }
      if (current.length === before && unknown(missing, current).length === missing.length) return
      const lines = [...current.entries()].filter(([, keyword]) => keyword !== undefined)
      await replaceFile(this.#path, lines.map(([at, keyword]) => `${at} ${keyword}\n`).join(''))
    }
    // Dovecot reads the list, gives letters and writes it under the lock of the UIDs.
    await withUidList(this.#folder, () => withDotLock(this.#path, change))
    return this.read()
  }
}

export function parseKeywords(text: string): (string | undefined)[] {
  const keywords: (string | undefined)[] = []
  for (const line of text.split('\n')) {
    const [, at, keyword] = /^(\d{1,3}) ([\x21-\x7e]{1,128})$/.exec(line) ?? []
    if (at !== undefined && keyword !== undefined && !SYSTEM.test(keyword)) keywords[Number(at)] = keyword
  }
  return keywords
}

function unknown(flags: Iterable<string>, known: Keywords): string[] {
  const names = new Set(known.map((keyword) => keyword?.toLowerCase()))
  return [...new Set(flags)].filter((flag) => !SYSTEM.test(flag) && !names.has(flag.toLowerCase()))
}

function nextFree(keywords: readonly (string | undefined)[]): number {
  const gap = Array.from(keywords).indexOf(undefined)
  return gap === -1 ? keywords.length : gap
}
