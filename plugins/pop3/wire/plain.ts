/** What a SASL PLAIN response says (RFC 4616 section 2). */
export interface PlainResponse {
  readonly authorizationId: string | undefined
  readonly login: string
  readonly password: string
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** @param response base64; `=` stands for an empty initial response (RFC 5034 section 4). @returns undefined when it is malformed */
export function parsePlain(response: string): PlainResponse | undefined {
  if (!BASE64.test(response)) return undefined
  const parts = Buffer.from(response, 'base64').toString('utf8').split('\0')
  const [authorizationId, login, password] = parts
  if (parts.length !== 3 || !login || !password) return undefined
  return { authorizationId: authorizationId || undefined, login, password }
}
