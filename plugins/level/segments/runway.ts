/**
 * Decides how far zeros are written ahead of a segment's end. A sync of bytes that replace others in a file needs no
 * entry in the file system's journal, and takes half the time of one that makes the file longer, less when others
 * keep the journal busy. It pays while the groups are small, for then the sync is what everybody waits for; large
 * groups are bound by the disk, which must not write everything twice.
 */
const LENGTH_BYTES = 1024 * 1024
/** Fewer syncs than this, and the zeros would not be used up: a command, a test, a quiet server. */
const FIRST_SYNCS = 32
const SMALL_GROUP_BYTES = 64 * 1024
/** Less than this ahead, and the next group might not fit. */
const LOW_BYTES = 128 * 1024

export const ZEROS = Buffer.alloc(LENGTH_BYTES)

export class Runway {
  #end = 0
  #syncs = 0
  #syncedAt = 0
  #groupBytes = 0

  /** Everything before is in the file, as zeros at least. */
  get end(): number {
    return this.#end
  }

  /** A sync begins, of a file written up to `written`. */
  onSync(written: number): void {
    this.#syncs += 1
    this.#groupBytes += (written - this.#syncedAt - this.#groupBytes) / 8
    this.#syncedAt = written
  }

  /** Where zeros should be written now; undefined when none should. */
  wanted(written: number): number | undefined {
    if (this.#syncs < FIRST_SYNCS || this.#groupBytes > SMALL_GROUP_BYTES) return undefined
    return this.#end - written > LOW_BYTES ? undefined : Math.max(this.#end, written)
  }

  /** Zeros were written up to `end`, or the file was cut there. */
  reach(end: number): void {
    this.#end = end
  }
}
