import { EXIT, UserError } from '../errors/user-error.ts'
import { errorBody, errorOf } from './error-reply.ts'
import type { AnyRoute, CallInput, CallOutput } from './route.ts'
import type { Transport } from './transport.ts'

/** How long most operations may take. */
const TIMEOUT_MS = 30_000

interface Input {
  readonly params?: Readonly<Record<string, unknown>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

/** Calls the operations of the control API, typed by their routes. */
export class ControlClient {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** @throws ConfigError, UserError as the operation did; UserError with exit code 3 when nobody answers */
  async call<T extends AnyRoute>(
    route: T,
    ...[input, options]: Record<never, never> extends CallInput<T>
      ? [input?: CallInput<T>, options?: { timeoutMs?: number }]
      : [input: CallInput<T>, options?: { timeoutMs?: number }]
  ): Promise<CallOutput<T>> {
    const { params = {}, query = {}, body } = (input ?? {}) as Input
    const { status, body: text } = await this.#send({
      method: route.method,
      url: urlOf(route.path, params, query),
      ...(route.body !== undefined && { body: JSON.stringify(body ?? {}) }),
      timeoutMs: options?.timeoutMs ?? TIMEOUT_MS,
    })
    const answer: unknown = parse(text)
    if (status >= 200 && status < 300) return answer as CallOutput<T>
    const error = errorBody.safeParse(answer)
    throw error.success ? errorOf(error.data) : new UserError(`The server answered ${status}: ${text.slice(0, 200)}`)
  }

  /** Every page of a list, one after the other. */
  async *pages<T extends AnyRoute>(
    route: T,
    query: NonNullable<CallInput<T>['query']>,
  ): AsyncIterable<CallOutput<T> & { readonly next: string | null }> {
    let after: string | undefined
    do {
      const input = { query: { ...(query as object), ...(after !== undefined && { after }) } }
      const call = this.call.bind(this) as unknown as (route: T, input: object) => Promise<CallOutput<T>>
      const page = (await call(route, input)) as CallOutput<T> & { next: string | null }
      yield page
      after = page.next ?? undefined
    } while (after !== undefined)
  }

  async #send(request: Parameters<Transport>[0]) {
    try {
      return await this.#transport(request)
    } catch (cause) {
      if (isNobodyThere(cause)) throw notRunning(cause)
      throw new UserError(`The server does not answer: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
        nextSteps: ['See what it does with: mailserver logs', 'Or end it with: mailserver stop'],
      })
    }
  }
}

/** Nothing runs that could answer. */
export function notRunning(cause?: unknown): UserError {
  return new UserError('The server is not running.', {
    exitCode: EXIT.notRunning,
    nextSteps: ['Start it with: mailserver start'],
    cause,
  })
}

function isNobodyThere(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}

function urlOf(path: string, params: object, query: object): string {
  const values = new Map(Object.entries(params))
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values.get(name))))
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return search === '' ? filled : `${filled}?${search}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: the caller shows the text itself.
    return undefined
  }
}
