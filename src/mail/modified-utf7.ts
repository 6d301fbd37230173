/** Mailbox names on the wire: modified UTF-7 (RFC 3501 section 5.1.3). */

/** Decodes a name. @returns undefined when it is not modified UTF-7 in its one canonical form */
export function decodeModifiedUtf7(text: string): string | undefined {
  if (!text.includes('&')) return isPlain(text) ? text : undefined
  let name = ''
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at)
    if (character !== '&') {
      if (!isPlain(character)) return undefined
      name += character
      at += 1
      continue
    }
    const end = text.indexOf('-', at)
    if (end === -1) return undefined
    const piece = end === at + 1 ? '&' : decodeShift(text.slice(at + 1, end))
    if (piece === undefined) return undefined
    name += piece
    at = end + 1
  }
  // One name has one spelling: else two clients see one mailbox as two.
  return encodeModifiedUtf7(name) === text ? name : undefined
}

export function encodeModifiedUtf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (piece) => (piece === '&' ? '&-' : `&${encodeShift(piece)}-`))
}

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function decodeShift(text: string): string | undefined {
  if (!/^[A-Za-z0-9+,]+$/.test(text)) return undefined
  const bytes = Buffer.from(text.replaceAll(',', '/'), 'base64')
  if (bytes.length < 2) return undefined
  const even = bytes.length - (bytes.length % 2)
  const decoded = Buffer.from(bytes.subarray(0, even)).swap16().toString('utf16le')
  return decoded.isWellFormed() ? decoded : undefined
}

function encodeShift(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('base64').replaceAll('/', ',').replace(/=+$/, '')
}
