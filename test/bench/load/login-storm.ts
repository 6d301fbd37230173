import { ImapClient } from './imap-client.ts'
import { serveJob } from './serve-job.ts'
import type { Way } from './tls-connection.ts'

/** Logins, right and wrong in turn, on and on until told to stop. */
export interface StormJob extends Way {
  readonly user: string
  readonly password: string
  readonly parallel: number
}

export interface StormResult {
  readonly right: number
  readonly wrong: number
}

if (import.meta.main) {
  await serveJob<StormJob>(async (job, pause) => {
    let isOver = false
    let right = 0
    let wrong = 0
    const storm = async (first: number) => {
      for (let turn = first; !isOver; turn++) {
        // Each wrong password is another, so that none is remembered.
        const password = turn % 2 === 0 ? job.password : `wrong-${first}-${turn}`
        try {
          const client = await ImapClient.login(job, job.user, password)
          client.close()
          right++
        } catch (error) {
          if (password === job.password) throw error
          wrong++
        }
      }
    }
    const storms = Promise.all(Array.from({ length: job.parallel }, (_, at) => storm(at)))
    await Promise.race([pause(), storms])
    isOver = true
    await storms
    return { right, wrong }
  })
}
