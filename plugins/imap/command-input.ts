import type { Completion } from './completion.ts'
import type { Responses } from './responses.ts'
import { SessionEnd } from './session-end.ts'
import { Interrupted, type Transport } from './transport.ts'
import type { Arguments } from './wire/arguments.ts'
import { type CommandHead, CommandReader, type ReadCommand, type ReaderLimits } from './wire/command-reader.ts'
import type { IncomingLiteral } from './wire/incoming-literal.ts'

/** RFC 7888 section 5. */
const LITERAL_MINUS_BYTES = 4096

/** The session whose client is read from. */
export interface CommandClient {
  readonly isOver: boolean
  readonly farewell: string | undefined
  /** As they are now. */
  readonly readerLimits: ReaderLimits
  readonly offer: { has(name: string): boolean }
  readonly out: Pick<Responses, 'flush'>
  readonly transport: Pick<Transport, 'read' | 'interrupt'>
  proceed(text: string): Promise<void>
}

/** Reads the commands of one client. While it waits for the next one the session may end at any time. */
export class CommandInput {
  readonly #client: CommandClient
  readonly #reader: CommandReader
  #isWaiting = false

  /** @param takesMessage is the literal that is announced next a message, which the handler reads as it comes? */
  constructor(client: CommandClient, takesMessage: (head: CommandHead, args: Arguments) => boolean) {
    this.#client = client
    this.#reader = new CommandReader({
      // What was said is sent before more is waited for.
      source: {
        read: (timeoutMs) => {
          client.out.flush()
          return client.transport.read(timeoutMs)
        },
      },
      limits: () => client.readerLimits,
      proceed: () => client.proceed('Ready for literal data'),
      takesMessage,
      // RFC 7888 section 5: with LITERAL- small ones alone.
      nonSynchronisingBytes: () =>
        client.offer.has('LITERAL+')
          ? Number.POSITIVE_INFINITY
          : client.offer.has('LITERAL-')
            ? LITERAL_MINUS_BYTES
            : 0,
    })
  }

  /** Ends the waiting for the client, if it is waited for. */
  interrupt(): void {
    if (this.#isWaiting) this.#client.transport.interrupt()
  }

  /** Something has come that no command has taken yet. */
  get hasMore(): boolean {
    return this.#reader.input.buffered > 0
  }

  readCommand(): Promise<ReadCommand> {
    return this.#waitingFor(() => this.#reader.read())
  }

  /** The next command if it is of this name and here already. */
  nextBuffered(name: string): (ReadCommand & { kind: 'command' }) | undefined {
    const { isOver, farewell } = this.#client
    return isOver || farewell !== undefined ? undefined : this.#reader.readBuffered(name)
  }

  /** Reads a line that belongs to the command in hand. @throws SessionEnd when it is too long */
  async readLine(): Promise<string> {
    const line = await this.#waitingFor(() => this.#reader.line())
    if (line === undefined) throw new SessionEnd('Line is too long')
    return line
  }

  /** Reads on in a command that carries messages. */
  continueAfter(head: CommandHead): Promise<ReadCommand> {
    return this.#reader.continueAfter(head)
  }

  /** Answers a command whose message is not wanted, reading past it as far as that is needed. @throws SessionEnd */
  async refuse(literal: IncomingLiteral, completion: Completion): Promise<Completion> {
    if (await this.#reader.skip(literal)) return completion
    throw new SessionEnd(completion.text)
  }

  /** Drops what came before TLS: it could be anybody's. */
  forget(): void {
    this.#reader.input.clear()
  }

  async #waitingFor<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#client.isOver) throw new Interrupted('the session is to end')
    this.#isWaiting = true
    try {
      return await wait()
    } finally {
      this.#isWaiting = false
    }
  }
}
