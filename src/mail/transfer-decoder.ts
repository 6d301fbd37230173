/** Undoes a content transfer encoding piece by piece (RFC 2045 section 6). */
export interface TransferDecoder {
  push(octets: Buffer): Buffer
  end(): Buffer
}

const NOTHING = Buffer.alloc(0)

export function transferDecoder(encoding: string): TransferDecoder {
  if (encoding === 'base64') return new Base64Decoder()
  if (encoding === 'quoted-printable') return new QuotedPrintableDecoder()
  return { push: (octets) => octets, end: () => NOTHING }
}

class Base64Decoder implements TransferDecoder {
  #carry = ''

  push(octets: Buffer): Buffer {
    const text = this.#carry + octets.toString('latin1').replace(/[^A-Za-z0-9+/]+/g, '')
    const whole = text.length - (text.length % 4)
    this.#carry = text.slice(whole)
    return Buffer.from(text.slice(0, whole), 'base64')
  }

  end(): Buffer {
    return Buffer.from(this.#carry, 'base64')
  }
}

class QuotedPrintableDecoder implements TransferDecoder {
  #carry = ''

  push(octets: Buffer): Buffer {
    const text = this.#carry + octets.toString('latin1')
    // An escape at the end may not be whole yet: `=`, `=C`, `=` and a CR.
    const mark = text.lastIndexOf('=')
    const end = mark !== -1 && mark > text.length - 3 ? mark : text.length
    this.#carry = text.slice(end)
    return decode(text.slice(0, end))
  }

  end(): Buffer {
    return decode(this.#carry)
  }
}

function decode(text: string): Buffer {
  if (!text.includes('=')) return Buffer.from(text, 'latin1')
  const plain = text
    .replace(/=[ \t]*\r?\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}
