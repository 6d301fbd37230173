import SMTPConnection from 'nodemailer/lib/smtp-connection'

/** The one inner method of nodemailer's client that is relied on; a test of DSN parameters guards it. */
interface CommandWriter {
  _sendCommand(command: string, logged?: string): void
}

type Options = ConstructorParameters<typeof SMTPConnection>[0]

const Base = SMTPConnection as unknown as new (options: Options) => SMTPConnection & CommandWriter

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
 */
export class ParameterConnection extends Base {
  #parameters: Parameters = NO_PARAMETERS
  #recipient = 0
  /** STARTTLS was the last thing said. */
  isAskingForTls = false

  /** Sets what is added to the next MAIL and its RCPTs. */
  useParameters(parameters: Parameters): void {
    this.#parameters = parameters
    this.#recipient = 0
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
