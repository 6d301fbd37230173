declare const shape: unique symbol

/** A typed name for a service: what a plugin needs or provides is said with these values, never with strings. */
export interface ServiceRef<T> {
  readonly id: string
  /** True for a service that may be missing: it is then undefined. */
  readonly isOptional: boolean
  /** Carries the type alone; never set. */
  readonly [shape]?: T
}

// biome-ignore lint/suspicious/noExplicitAny: ServiceRef is invariant in nothing at run time; any is the top of all refs
export type ServiceRefs = Readonly<Record<string, ServiceRef<any>>>

/** `{ store: ServiceRef<MailStore> }` becomes `{ store: MailStore }`. */
export type ServicesOf<R extends ServiceRefs> = {
  readonly [K in keyof R]: R[K] extends ServiceRef<infer T> ? T : never
}

/** Defines a service. `id` is `<owner>:<thing>`, e.g. `core:engine`, `greylist:seen`. */
export function defineService<T>(id: string): ServiceRef<T> {
  return Object.freeze({ id, isOptional: false })
}

/** The same service, but its absence is no error: `needs: { search: optional(searchIndex) }`. */
export function optional<T>(ref: ServiceRef<T>): ServiceRef<T | undefined> {
  return Object.freeze({ id: ref.id, isOptional: true })
}
