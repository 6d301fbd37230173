import type { Decision } from '../kernel/run-hooks.ts'
import type { HeaderField } from '../kernel/verdict.ts'

/**
 * What the hooks want done with a message that is taken all the same: filed as Junk, thrown away, sent to others, with
 * header fields of theirs. Gathered from the connection, the transaction, one recipient, and the message.
 */
export class Disposition {
  quarantine: string | undefined
  discard: string | undefined
  redirect: readonly string[] | undefined
  readonly headers: HeaderField[] = []

  /** Takes over the strictest opinion, and the header fields of all that accept or quarantine. */
  take({ verdict, outcomes }: Decision): void {
    for (const { verdict: opinion } of outcomes) {
      if (opinion?.action === 'accept' || opinion?.action === 'quarantine')
        this.headers.push(...(opinion.headers ?? []))
    }
    if (verdict.action === 'quarantine') this.quarantine = verdict.reason
    if (verdict.action === 'discard') this.discard = verdict.reason
    if (verdict.action === 'redirect') this.redirect = verdict.to
  }

  /** Adds header fields; one that is there already, word for word, once for every recipient, is not repeated. */
  stamp(headers: readonly HeaderField[]): void {
    for (const [name, value] of headers) {
      if (!this.headers.some(([other, text]) => other === name && text === value)) this.headers.push([name, value])
    }
  }

  /** Adds what an earlier moment decided. */
  include(earlier: Disposition): void {
    this.quarantine ??= earlier.quarantine
    this.discard ??= earlier.discard
    this.redirect ??= earlier.redirect
    this.headers.unshift(...earlier.headers)
  }
}
