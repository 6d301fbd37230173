import type { Sasl, SaslMechanism } from './sasl.ts'

/** The mechanisms by name, the strongest first: a client takes the first that it knows. */
export function saslOf(mechanisms: readonly (readonly [name: string, mechanism: SaslMechanism])[]): Sasl {
  const byName = new Map(mechanisms)
  return {
    mechanisms: (channel) => mechanisms.filter(([, { isOffered }]) => isOffered(channel)).map(([name]) => name),
    start(text, channel) {
      const name = text.toUpperCase()
      const mechanism = byName.get(name)
      if (mechanism === undefined || !mechanism.isOffered(channel)) return undefined
      return { mechanism: name, respond: mechanism.start(channel) }
    },
  }
}
