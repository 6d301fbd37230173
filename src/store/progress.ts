/** How far long work has come, for a person who waits. */
export interface Progress {
  /** What is done at the moment, for a person: `messages of alice@example.org`. */
  readonly phase: string
  readonly done: number
  /** Absent while nobody knows. */
  readonly total?: number | undefined
}

/** What long work is given: it ends soon after the signal fires, and tells how far it is. */
export interface Watched {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}
