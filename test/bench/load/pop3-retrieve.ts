import { Pop3Client } from './pop3-client.ts'
import { serveJob } from './serve-job.ts'
import type { Way } from './tls-connection.ts'

export interface RetrieveJob extends Way {
  readonly user: string
  readonly password: string
  /** Messages 1 to n are retrieved, one after the other. */
  readonly messages: number
}

export interface RetrieveResult {
  readonly ms: number
  readonly octets: number
}

if (import.meta.main) await serveJob(retrieve)

async function retrieve(job: RetrieveJob): Promise<RetrieveResult> {
  const client = await Pop3Client.login(job, job.user, job.password)
  let octets = 0
  const began = performance.now()
  for (let n = 1; n <= job.messages; n++) octets += await client.lines(`RETR ${n}`)
  const ms = performance.now() - began
  await client.command('QUIT')
  client.close()
  return { ms, octets }
}
