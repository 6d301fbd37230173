import { type IncomingMessage, request } from 'node:http'
import type { Hono } from 'hono'

export interface ControlRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly body?: string
  readonly timeoutMs: number
}

/** Carries a request to whoever answers it. */
export type Transport = (request: ControlRequest) => Promise<{ readonly status: number; readonly body: string }>

/** Longest answer that is read, octets. */
const MAX_ANSWER_BYTES = 256 * 1024 ** 2

/** Over the unix socket of a running server. @throws Error of node:net when nobody listens there */
export function socketTransport(socketPath: string): Transport {
  return ({ method, url, body, timeoutMs }) =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          socketPath,
          method,
          path: url,
          headers: { host: 'control', ...(body !== undefined && { 'content-type': 'application/json' }) },
          timeout: timeoutMs,
        },
        (incoming) => {
          readAll(incoming).then((text) => resolve({ status: incoming.statusCode ?? 0, body: text }), reject)
        },
      )
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      outgoing.on('error', reject)
      outgoing.end(body)
    })
}

/** Within this process, for a command that opened the store itself. */
export function localTransport(app: Hono): Transport {
  return async ({ method, url, body }) => {
    const response = await app.request(`http://control${url}`, { method, ...(body !== undefined && { body }) })
    return { status: response.status, body: await response.text() }
  }
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} octets`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
