const LF = 10
const CR = 13

/** Makes every line end CRLF, as a message has them in the store; pieces may be cut anywhere. */
export class ToCrlf {
  #last = 0

  convert(piece: Buffer): Buffer {
    const bare: number[] = []
    for (let at = piece.indexOf(LF); at !== -1; at = piece.indexOf(LF, at + 1)) {
      if ((at === 0 ? this.#last : piece[at - 1]) !== CR) bare.push(at)
    }
    this.#last = piece.at(-1) ?? this.#last
    if (bare.length === 0) return piece
    const whole = Buffer.allocUnsafe(piece.length + bare.length)
    let from = 0
    let to = 0
    for (const at of bare) {
      to += piece.copy(whole, to, from, at)
      whole[to++] = CR
      from = at
    }
    piece.copy(whole, to, from)
    return whole
  }
}

/** Makes every CRLF a LF, as mail lies in files; pieces may be cut anywhere. */
export class ToLf {
  #hasCr = false

  convert(piece: Buffer): Buffer {
    const bytes = this.#hasCr ? Buffer.concat([Buffer.from([CR]), piece]) : piece
    this.#hasCr = bytes.at(-1) === CR
    const end = this.#hasCr ? bytes.length - 1 : bytes.length
    const short = Buffer.allocUnsafe(end)
    let from = 0
    let to = 0
    for (let at = bytes.indexOf('\r\n'); at !== -1 && at < end; at = bytes.indexOf('\r\n', at + 2)) {
      to += bytes.copy(short, to, from, at)
      from = at + 1
    }
    to += bytes.copy(short, to, from, end)
    return short.subarray(0, to)
  }

  /** What waited for a LF that did not come. */
  end(): Buffer {
    return this.#hasCr ? Buffer.from([CR]) : Buffer.alloc(0)
  }
}
