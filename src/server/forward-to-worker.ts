import type { ErrorBody } from '../control/error-reply.ts'
import { MAX_BODY_BYTES } from '../control/mount-routes.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** An operation on a whole queue takes its time. */
const FORWARD_MS = 60_000

/** Has a worker answer a request of the control socket. */
export async function forwardToWorker(worker: WorkerHandle | undefined, request: Request): Promise<Response> {
  if (worker === undefined) return refusal(503, 'UNAVAILABLE', 'no worker is running; try again')
  const { pathname, search } = new URL(request.url)
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
  const body = hasBody ? await request.text() : null
  if (body !== null && body.length > MAX_BODY_BYTES) return refusal(413, 'TOO_LARGE', 'the body is too large')
  try {
    const ask = { method: request.method, url: pathname + search, body }
    const answer = await worker.ask('control', ask, FORWARD_MS)
    return new Response(answer.body, { status: answer.status, headers: { 'content-type': answer.contentType } })
  } catch (error) {
    return refusal(503, 'UNAVAILABLE', error instanceof Error ? error.message : String(error))
  }
}

function refusal(status: number, code: string, message: string): Response {
  const body: ErrorBody = { error: { code, message } }
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}
