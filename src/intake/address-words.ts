/**
 * Everything in an address field that some reader may take for an address: each word with an at sign outside of quotes and
 * comments, wherever it stands. Where a field is malformed, readers disagree on which of them counts. One pass.
 */
export function addressWords(field: string): string[] {
  const words: string[] = []
  let word = ''
  let hasAt = false
  const flush = () => {
    if (hasAt) words.push(word)
    word = ''
    hasAt = false
  }
  for (let at = 0; at < field.length; at++) {
    const char = field[at] as string
    if (char === '"') {
      const end = closingQuote(field, at)
      // A quoted string is a name, unless the at sign that follows makes it a local part.
      if (field[pastBlanks(field, end + 1)] === '@') word += field.slice(at, end + 1)
      else flush()
      at = end
    } else if (char === '(') {
      at = closingComment(field, at)
    } else if (BLANK.test(char)) {
      // RFC 5322 section 4.4: white space around the at sign is obsolete and means nothing.
      const next = pastBlanks(field, at)
      if (!word.endsWith('@') && field[next] !== '@') flush()
      at = next - 1
    } else if ('<>,;:'.includes(char)) {
      flush()
    } else {
      hasAt ||= char === '@'
      word += char
    }
  }
  flush()
  return words
}

const BLANK = /[ \t\r\n]/

/** Past white space and comments. */
function pastBlanks(text: string, from: number): number {
  let at = from
  while (at < text.length && (BLANK.test(text[at] as string) || text[at] === '(')) {
    at = text[at] === '(' ? closingComment(text, at) + 1 : at + 1
  }
  return at
}

function closingQuote(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return text.length
}

function closingComment(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return at
  }
  return text.length
}
