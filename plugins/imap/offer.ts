import { CAPABILITIES, type Capability } from './capability-table.ts'

/** What is offered to a client: every capability but those that the operator switched off for it. */
export class Offer {
  readonly capabilities: readonly Capability[]
  /** Words of capabilities that are switched off, as `Capability.items` has them. */
  readonly hiddenItems: ReadonlySet<string>
  readonly #names: ReadonlySet<string>
  readonly #hiddenCommands: ReadonlySet<string>

  /** @param disabled names of capabilities; those that need one of them go as well */
  constructor(disabled: Iterable<string> = []) {
    const off = new Set(disabled)
    // Once for each level of needs, of which the table has few.
    for (let size = -1; size !== off.size; ) {
      size = off.size
      for (const { name, needs } of CAPABILITIES) if (needs?.some((one) => off.has(one))) off.add(name)
    }
    const [shown, hidden] = [CAPABILITIES.filter(isOn), CAPABILITIES.filter((one) => !isOn(one))]
    this.capabilities = shown
    this.#names = new Set(shown.map(({ name }) => name))
    this.#hiddenCommands = ownedBy(hidden, shown, ({ commands }) => commands)
    this.hiddenItems = ownedBy(hidden, shown, ({ items }) => items)

    function isOn({ name }: Capability): boolean {
      return !off.has(name)
    }
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  hasItem(item: string): boolean {
    return !this.hiddenItems.has(item)
  }

  hasCommand(name: string): boolean {
    return !this.#hiddenCommands.has(name)
  }
}

/** What the hidden ones have and none of the shown ones has too. */
function ownedBy(
  hidden: readonly Capability[],
  shown: readonly Capability[],
  words: (capability: Capability) => readonly string[] | undefined,
): ReadonlySet<string> {
  const kept = new Set(shown.flatMap((one) => words(one) ?? []))
  return new Set(hidden.flatMap((one) => words(one) ?? []).filter((word) => !kept.has(word)))
}

/** Clients that are offered less, told by what ID says of them (RFC 2971). */
export interface ClientRule {
  /** Fields, in lower case, and what each must be; all must fit. Texts are compared without case. */
  readonly id: Readonly<Record<string, string | RegExp>>
  readonly disable: readonly string[]
}

/** What each client is offered. Clients that no rule fits share one offer. */
export class Offers {
  readonly initial: Offer
  readonly #disabled: readonly string[]
  readonly #rules: readonly ClientRule[]

  constructor(disabled: readonly string[] = [], rules: readonly ClientRule[] = []) {
    this.initial = new Offer(disabled)
    this.#disabled = disabled
    this.#rules = rules
  }

  /** @param fields what the client said of itself, names in lower case */
  of(fields: ReadonlyMap<string, string | undefined>): Offer {
    const fitting = this.#rules.filter(({ id }) =>
      Object.entries(id).every(([name, wanted]) => fits(fields.get(name.toLowerCase()), wanted)),
    )
    if (fitting.length === 0) return this.initial
    return new Offer([...this.#disabled, ...fitting.flatMap(({ disable }) => disable)])
  }
}

function fits(value: string | undefined, wanted: string | RegExp): boolean {
  if (value === undefined) return false
  if (typeof wanted === 'string') return value.toLowerCase() === wanted.toLowerCase()
  // A pattern of the config is frozen, and one with a memory could not be asked twice.
  return new RegExp(wanted.source, wanted.flags.replace(/[gy]/g, '')).test(value)
}
