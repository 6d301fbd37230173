import SMTPConnection from 'nodemailer/lib/smtp-connection'

type Done = (error?: Error | null, reply?: string) => void

/** What the client writes a message into. */
interface MessageWriter {
  readonly outByteCount: number
  write(message: Buffer): unknown
  end(): unknown
}

/** The inner methods of nodemailer's client that are relied on; tests of DSN parameters and of DATA guard them. */
interface Inner {
  readonly _responseActions: ((reply: string) => void)[]
  _sendCommand(command: string, logged?: string): void
  _createSendStream(done: Done): MessageWriter
  _actionSMTPStream(reply: string, done: Done): void
}

type Options = ConstructorParameters<typeof SMTPConnection>[0]

const Base = SMTPConnection as unknown as new (options: Options) => SMTPConnection & Inner

/** Parameters of one transaction, each list as words: `['SMTPUTF8', 'RET=HDRS']`. */
export interface Parameters {
  readonly mail: readonly string[]
  /** In the order of the recipients. */
  readonly recipients: readonly (readonly string[])[]
}

const NO_PARAMETERS: Parameters = { mail: [], recipients: [] }

/**
 * nodemailer's SMTP client with parameters of each recipient's own: RFC 3461 gives every RCPT its NOTIFY and ORCPT,
 * nodemailer knows one set for all; and it offers SMTPUTF8 for addresses alone, where a header may need it as well.
 * A message that is in memory goes out by one write, where nodemailer would send it through two streams.
 */
export class ParameterConnection extends Base {
  #parameters: Parameters = NO_PARAMETERS
  #recipient = 0
  #onData: (() => void) | undefined
  /** STARTTLS was the last thing said. */
  isAskingForTls = false

  /** Sets what is added to the next MAIL and its RCPTs. */
  useParameters(parameters: Parameters): void {
    this.#parameters = parameters
    this.#recipient = 0
  }

  /**
   * What is handed to the next `send` is a Buffer of mail data already, made by `mailData`.
   * @param onData is told when it goes out
   */
  useMailData(onData: (() => void) | undefined): void {
    this.#onData = onData
  }

  override _createSendStream(done: Done): MessageWriter {
    const onData = this.#onData
    if (onData === undefined) return super._createSendStream(done)
    this._responseActions.push((reply) => this._actionSMTPStream(reply, done))
    const socket = this._socket
    return {
      outByteCount: 0,
      write(data) {
        onData()
        if (socket) socket.write(data)
      },
      end() {},
    }
  }

  override _sendCommand(command: string, logged?: string): void {
    this.isAskingForTls = command === 'STARTTLS'
    super._sendCommand(this.#complete(command), logged)
  }

  #complete(command: string): string {
    if (command.startsWith('MAIL FROM:')) {
      const missing = this.#parameters.mail.filter((word) => !command.split(' ').includes(word))
      return [command, ...missing].join(' ')
    }
    if (!command.startsWith('RCPT TO:')) return command
    return [command, ...(this.#parameters.recipients[this.#recipient++] ?? [])].join(' ')
  }
}
