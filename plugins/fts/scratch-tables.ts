import { TermTable } from './term-table.ts'

/** Room of the tables that is kept from one use to the next, octets. A message of the largest size may need more for itself. */
export const KEPT_ROOM = 32 * 1024 * 1024

export const HEADER = 0
export const BODY = 1
export const PARTS = [HEADER, BODY] as const
export type Part = (typeof PARTS)[number]

export type Tables = Readonly<Record<Part, TermTable>>

/** The tables in which a thread collects terms: one pair for all its accounts, since it writes one segment at a time. */
export class ScratchTables {
  #tables: Tables | undefined

  /** What they take, octets. */
  get room(): number {
    return this.#tables === undefined ? 0 : roomOf(this.#tables)
  }

  /**
   * Empty tables. What was taken before is not to be used any more.
   * @param base a number that no document is below
   */
  take(base: number): Tables {
    if (this.#tables === undefined || roomOf(this.#tables) > KEPT_ROOM) {
      this.#tables = { [HEADER]: new TermTable(base), [BODY]: new TermTable(base) }
    } else for (const part of PARTS) this.#tables[part].reset(base)
    return this.#tables
  }

  /** Gives back what an unusually large text took. */
  trim(): void {
    if (this.room > KEPT_ROOM) this.#tables = undefined
  }
}

const roomOf = (tables: Tables): number => tables[HEADER].room + tables[BODY].room
