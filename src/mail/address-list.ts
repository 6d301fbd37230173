/**
 * Address lists of header fields (RFC 5322 sections 3.4, 4.4), as mail has them and not only as the grammar does. The
 * text may be octets as characters or decoded; encoded words stay as they are. Never throws; one pass.
 */

export interface MailboxItem {
  readonly kind: 'mailbox'
  /** Display name, unquoted; or the comment after a bare address. */
  readonly name?: string
  /** Obsolete source route, `@a,@b`. */
  readonly route?: string
  /** Unquoted local part; absent when there is none, as in `<>`. */
  readonly local?: string
  readonly domain?: string
}

export interface GroupItem {
  readonly kind: 'group'
  readonly name: string
  readonly members: readonly MailboxItem[]
}

export type AddressItem = MailboxItem | GroupItem

const MAX_ITEMS = 20_000

/** Parses a list of mailboxes and groups. Past 20,000 addresses the rest is left out. */
export function parseAddressList(text: string): AddressItem[] {
  return new AddressListParser(text).list()
}

/** Every mailbox of a list, members of groups included. */
export function mailboxesOf(items: readonly AddressItem[]): MailboxItem[] {
  return items.flatMap((item) => (item.kind === 'group' ? item.members : [item]))
}

// What ends an atom: white space and the specials of RFC 5322 section 3.2.3, `]` and `\` being data where they are lost.
// Not `\s`: in octets as characters 0xA0 is half of a UTF-8 letter.
const ATOM = /[^ \t\r\n()<>[:;@,."]+/y

type MailboxParts = { readonly [K in 'name' | 'route' | 'local' | 'domain']?: string | undefined }

interface Words {
  /** Words with one space where there was white space between them. */
  text: string
  /** Where the last run of words without a space begins. */
  lastWord: number
  isEmpty: boolean
  hasQuoted: boolean
}

class AddressListParser {
  readonly #text: string
  #at = 0
  #count = 0
  #comment: string | undefined

  constructor(text: string) {
    this.#text = text
  }

  list(): AddressItem[] {
    const items: AddressItem[] = []
    while (this.#at < this.#text.length && this.#count < MAX_ITEMS) {
      const item = this.#item(true)
      if (item !== undefined) items.push(item)
      this.#skipTo(',;')
      this.#at++
    }
    return items
  }

  #item(groupAllowed: boolean): AddressItem | undefined {
    this.#comment = undefined
    const words = this.#words()
    const next = this.#text[this.#at]
    if (next === '<') return this.#angle(words)
    if (next === '@') return this.#bare(words)
    if (next === ':' && groupAllowed) return this.#group(words)
    if (words.isEmpty) return undefined
    // Neither brackets nor an at sign: one word is a local user; several, or quotes, are somebody's name.
    const isName = words.lastWord > 0 || words.hasQuoted
    return this.#mailbox(isName ? { name: words.text } : { local: words.text })
  }

  #group(words: Words): GroupItem {
    const members: MailboxItem[] = []
    this.#count++
    this.#at++
    while (this.#at < this.#text.length && this.#text[this.#at] !== ';' && this.#count < MAX_ITEMS) {
      const item = this.#item(false)
      if (item?.kind === 'mailbox') members.push(item)
      this.#skipTo(',;')
      if (this.#text[this.#at] === ',') this.#at++
    }
    return { kind: 'group', name: words.text, members }
  }

  #angle(phrase: Words): MailboxItem {
    this.#at++
    const name = phrase.isEmpty ? undefined : phrase.text
    const route = this.#route()
    const local = this.#words()
    const domain = this.#text[this.#at] === '@' ? this.#domain() : undefined
    this.#skipTo('>,')
    if (this.#text[this.#at] === '>') this.#at++
    this.#space()
    return this.#mailbox({
      name,
      route,
      local: local.isEmpty ? undefined : joinDots(local.text),
      domain,
    })
  }

  #route(): string | undefined {
    this.#space()
    if (this.#text[this.#at] !== '@') return undefined
    const start = this.#at
    let route = ''
    while (this.#text[this.#at] === '@') {
      const domain = this.#domain()
      if (domain !== undefined) route += `${route === '' ? '' : ','}@${domain}`
      while (this.#text[this.#at] === ',') {
        this.#at++
        this.#space()
      }
    }
    if (this.#text[this.#at] === ':') {
      this.#at++
      return route
    }
    // No colon: `<@example.org>` is a domain without a local part.
    this.#at = start
    return undefined
  }

  #bare(words: Words): MailboxItem {
    const domain = this.#domain()
    this.#space()
    if (words.isEmpty) return this.#mailbox({ domain })
    const text = joinDots(words.text)
    // `Alice Smith alice@example.org`: the angle brackets were forgotten.
    const split = words.text === text ? words.lastWord : 0
    if (split === 0) return this.#mailbox({ local: text, domain })
    return this.#mailbox({ name: trimBlanks(text.slice(0, split)), local: text.slice(split), domain })
  }

  #mailbox(parts: MailboxParts): MailboxItem {
    this.#count++
    const name = parts.name || this.#comment
    return {
      kind: 'mailbox',
      ...(name !== undefined && { name }),
      ...(parts.route !== undefined && { route: parts.route }),
      ...(parts.local !== undefined && { local: parts.local }),
      ...(parts.domain !== undefined && { domain: parts.domain }),
    }
  }

  /** A run of atoms, dots and quoted strings: a phrase or a local part, as what follows it tells. */
  #words(): Words {
    let wasQuoted = false
    const words: Words = { text: '', lastWord: 0, isEmpty: true, hasQuoted: false }
    for (;;) {
      const hadSpace = this.#space()
      const isQuoted = this.#text[this.#at] === '"'
      const word = this.#word()
      if (word === undefined) return words
      if (hadSpace && !words.isEmpty) words.text += ' '
      // A quoted string ends a word where no dot goes on: `"Alice"alice@example.org`.
      if (hadSpace || (wasQuoted && word !== '.')) words.lastWord = words.text.length
      wasQuoted = isQuoted
      words.text += word
      words.isEmpty = false
      words.hasQuoted ||= isQuoted
    }
  }

  #word(): string | undefined {
    const next = this.#text[this.#at]
    if (next === '"') return this.#quoted()
    if (next === '.' || next === '[') {
      this.#at++
      return next
    }
    return this.#atom()
  }

  #atom(): string | undefined {
    ATOM.lastIndex = this.#at
    const atom = ATOM.exec(this.#text)?.[0]
    if (atom !== undefined) this.#at += atom.length
    return atom
  }

  #quoted(): string {
    const end = closing(this.#text, this.#at)
    const inner = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return inner.includes('\\') ? inner.replace(/\\(.)/gs, '$1') : inner
  }

  /** At `@`: the domain after it, without the white space and comments in it. */
  #domain(): string | undefined {
    this.#at++
    let domain = ''
    for (;;) {
      this.#space()
      if (this.#text[this.#at] === '[') {
        const end = this.#text.indexOf(']', this.#at)
        const stop = end === -1 ? this.#text.length : end + 1
        domain += this.#text.slice(this.#at, stop)
        this.#at = stop
      } else if (this.#text[this.#at] === '.') {
        domain += '.'
        this.#at++
      } else {
        // Two atoms with no dot between them are no domain: the second is left to be passed over.
        if (domain !== '' && !domain.endsWith('.')) return domain
        const atom = this.#atom()
        if (atom === undefined) return domain === '' ? undefined : domain
        domain += atom
      }
    }
  }

  /** White space and comments. @returns whether there was any */
  #space(): boolean {
    const start = this.#at
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === 40) this.#skipComment()
      // A `)` that closes nothing is passed over.
      else if (code > 32 && code !== 41) break
    }
    return this.#at > start
  }

  /** At `(`: leaves the position on the closing one. */
  #skipComment(): void {
    let depth = 0
    const start = this.#at + 1
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === 92) this.#at++
      else if (code === 40) depth++
      else if (code === 41 && --depth === 0) break
    }
    const comment = trimBlanks(this.#text.slice(start, this.#at)).replace(/\\(.)/gs, '$1')
    if (comment !== '') this.#comment = comment
  }

  /** Passes over what cannot be read, to one of `stops` outside of quotes and comments. */
  #skipTo(stops: string): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] as string
      if (stops.includes(char)) return
      if (char === '"') this.#at = closing(this.#text, this.#at)
      else if (char === '(') this.#skipComment()
    }
  }
}

/** The offset of the quote that closes the one at `open`; the text's length when none does. */
function closing(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 92) at++
    else if (code === 34) return at
  }
  return text.length
}

/** RFC 5322 section 4.4: white space around the dots of a local part is obsolete and means nothing. */
const joinDots = (text: string): string => (text.includes(' ') ? text.replace(/ ?\. ?/g, '.') : text)

/** Not `trim()`: in octets as characters 0xA0 is half of a UTF-8 letter. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 32) start++
  while (end > start && text.charCodeAt(end - 1) <= 32) end--
  return text.slice(start, end)
}
