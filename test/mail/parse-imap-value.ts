/** A value of the IMAP grammar as a tree: lists as arrays, strings of either kind and numbers as text, NIL as null. */
export type ImapValue = string | null | readonly ImapValue[]

/** Strict: what RFC 3501 section 9 does not allow throws. Octets as characters. */
export function parseImapValue(text: string, from = 0): { value: ImapValue; end: number } {
  const first = text[from]
  if (first === '(') return parseList(text, from)
  if (first === '"') return parseQuoted(text, from)
  if (first === '{') return parseLiteral(text, from)
  const atom = /[A-Za-z0-9]+/y
  atom.lastIndex = from
  const word = atom.exec(text)?.[0]
  if (word === undefined) throw new Error(`no value at ${from}: ${JSON.stringify(text.slice(from, from + 60))}`)
  if (word !== 'NIL' && !/^\d+$/.test(word)) throw new Error(`an atom at ${from}: ${word}`)
  return { value: word === 'NIL' ? null : word, end: from + word.length }
}

function parseList(text: string, from: number): { value: ImapValue; end: number } {
  const items: ImapValue[] = []
  let at = from + 1
  while (text[at] !== ')') {
    const item = parseImapValue(text, at)
    items.push(item.value)
    at = item.end
    if (text[at] === ' ') at++
    else if (text[at] !== ')' && text[at] !== '(') throw new Error(`no space at ${at}`)
  }
  return { value: items, end: at + 1 }
}

function parseQuoted(text: string, from: number): { value: ImapValue; end: number } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: TEXT-CHAR
  const quoted = /"((?:[\u0001-\u0009\u000b\u000c\u000e-\u0021\u0023-\u005b\u005d-\u007f]|\\["\\])*)"/y
  quoted.lastIndex = from
  const match = quoted.exec(text)
  if (match === null) throw new Error(`no quoted string at ${from}: ${JSON.stringify(text.slice(from, from + 60))}`)
  return { value: (match[1] ?? '').replace(/\\(.)/g, '$1'), end: from + match[0].length }
}

function parseLiteral(text: string, from: number): { value: ImapValue; end: number } {
  const literal = /\{(\d+)\}\r\n/y
  literal.lastIndex = from
  const match = literal.exec(text)
  if (match === null) throw new Error(`no literal at ${from}`)
  const start = from + match[0].length
  const end = start + Number(match[1])
  const value = text.slice(start, end)
  if (value.length !== Number(match[1]) || value.includes('\0')) throw new Error(`a broken literal at ${from}`)
  return { value, end }
}
