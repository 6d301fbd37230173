import { type BlobStore, type BlobWriter, MessageIndexer, type NewMessage } from 'mailserver'

/**
 * A message on its way into the BlobStore, indexed as it comes. It takes everything whatever the store says, since what a
 * client sends must be read to its end in any case.
 */
export class IncomingMessage {
  readonly #indexer = new MessageIndexer()
  #writer: BlobWriter | undefined
  #fault: Error | undefined

  private constructor(writer: BlobWriter | Error) {
    if (writer instanceof Error) this.#fault = writer
    else this.#writer = writer
  }

  static async begin(blobs: BlobStore): Promise<IncomingMessage> {
    return new IncomingMessage(await blobs.writer().catch(errorOf))
  }

  /** The message cannot be stored; the first reason counts. */
  fail(fault: Error): void {
    this.#fault ??= fault
  }

  /** The first thing that went wrong. */
  get fault(): Error | undefined {
    return this.#fault
  }

  async write(octets: Buffer): Promise<void> {
    const writer = this.#writer
    if (this.#fault !== undefined || writer === undefined) return
    this.#indexer.write(octets)
    this.#fault = await writer.write(octets).then(() => undefined, errorOf)
  }

  /** @returns what went wrong, with nothing left behind; or the message, whose blob is the caller's from now on */
  async finish(flags: readonly string[], internalDate: number): Promise<NewMessage | Error> {
    const writer = this.#writer
    if (this.#fault !== undefined || writer === undefined) {
      await this.abort()
      return this.#fault as Error
    }
    const index = this.#indexer.finish()
    const blob = await writer.finish().catch(errorOf)
    this.#writer = undefined
    return blob instanceof Error ? blob : { blob, index, flags, internalDate }
  }

  /** Gives up what came. Safe to call at any time. */
  async abort(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.abort()
  }
}

function errorOf(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause))
}
