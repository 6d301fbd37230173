/** Reads ENVELOPE's text (RFC 3501 section 7.4.2) as the store keeps it. */

type Value = string | undefined | readonly Value[]

/** Fields as octets, one character each; addresses as `name <local@host>`, joined by commas. */
export interface EnvelopeValues {
  readonly date: string | undefined
  readonly subject: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  readonly cc: string | undefined
  readonly bcc: string | undefined
}

export function readEnvelope(envelope: Buffer): EnvelopeValues {
  const value = new Reader(envelope.toString('latin1')).value()
  const fields = Array.isArray(value) ? (value as readonly Value[]) : []
  return {
    date: textOf(fields[0]),
    subject: textOf(fields[1]),
    from: addressesOf(fields[2]),
    to: addressesOf(fields[5]),
    cc: addressesOf(fields[6]),
    bcc: addressesOf(fields[7]),
  }
}

function textOf(value: Value): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function addressesOf(value: Value): string | undefined {
  if (!Array.isArray(value)) return undefined
  return (value as readonly Value[]).map(addressText).join(', ')
}

function addressText(value: Value): string {
  const [name, , local, host] = Array.isArray(value) ? (value as readonly Value[]) : []
  const address = `${textOf(local) ?? ''}${typeof host === 'string' ? `@${host}` : ''}`
  return typeof name === 'string' ? `${name} <${address}>` : address
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): Value {
    const character = this.#text.charAt(this.#at)
    if (character === '(') return this.#list()
    if (character === '"') return this.#quoted()
    if (character === '{') return this.#literal()
    // NIL, the only atom of an envelope.
    this.#at += 3
    return undefined
  }

  #list(): readonly Value[] {
    const values: Value[] = []
    this.#at += 1
    while (this.#at < this.#text.length && this.#text.charAt(this.#at) !== ')') {
      if (this.#text.charAt(this.#at) === ' ') this.#at += 1
      else values.push(this.value())
    }
    this.#at += 1
    return values
  }

  #quoted(): string {
    let end = this.#at + 1
    while (end < this.#text.length && this.#text.charAt(end) !== '"') end += this.#text.charAt(end) === '\\' ? 2 : 1
    const raw = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return raw.includes('\\') ? raw.replace(/\\(.)/g, '$1') : raw
  }

  #literal(): string {
    const start = this.#text.indexOf('\n', this.#at) + 1
    const size = Number.parseInt(this.#text.slice(this.#at + 1), 10)
    this.#at = start + size
    return this.#text.slice(start, this.#at)
  }
}

/** The first address of a field: what SORT compares (RFC 5256 section 3, RFC 5957). */
export interface FirstAddress {
  /** Octets, one character each; encoded words stay as they are. */
  readonly name: string | undefined
  readonly local: string
  readonly host: string | undefined
}

const PLACES = { from: 2, to: 5, cc: 6 } as const

/** @returns undefined when the field is empty or there is none */
export function firstAddress(envelope: Buffer, field: keyof typeof PLACES): FirstAddress | undefined {
  const value = new Reader(envelope.toString('latin1')).value()
  const list = Array.isArray(value) ? (value as readonly Value[])[PLACES[field]] : undefined
  const first = Array.isArray(list) ? (list as readonly Value[])[0] : undefined
  if (!Array.isArray(first)) return undefined
  const [name, , local, host] = first as readonly Value[]
  return { name: textOf(name), local: textOf(local) ?? '', host: textOf(host) }
}
