import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

export interface ScramClientOptions {
  readonly login: string
  readonly password: string
  readonly nonce?: string
  /** `n`, `y` or `p=tls-exporter`. */
  readonly flag?: string
  /** Octets of the channel binding. */
  readonly binding?: Buffer
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** The client's side of SCRAM-SHA-256 (RFC 5802 section 3), written from the RFC and not from the server's side. */
export class ScramClient {
  readonly #options: Required<ScramClientOptions>
  #serverSignature = ''

  constructor(options: ScramClientOptions) {
    this.#options = { nonce: 'rOprNGfwEbeRWgbNEkqO', flag: 'n', binding: Buffer.alloc(0), ...options }
  }

  get #bare(): string {
    return `n=${this.#options.login.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#options.nonce}`
  }

  first(): Buffer {
    return Buffer.from(`${this.#options.flag},,${this.#bare}`)
  }

  /** The answer to server-first. */
  final(serverFirst: string): Buffer {
    const { flag, binding, password } = this.#options
    const [, nonce = '', salt = '', iterations = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? []
    const salted = pbkdf2Sync(password.normalize('NFKC'), Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash('sha256').update(clientKey).digest()
    const header = Buffer.concat([Buffer.from(`${flag},,`), binding]).toString('base64')
    const withoutProof = `c=${header},r=${nonce}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(storedKey, authMessage)
    const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] as number)))
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }

  /** Does server-final show that the server knows the password as well? */
  accepts(serverFinal: string): boolean {
    return serverFinal === `v=${this.#serverSignature}`
  }
}
