import { authenticator, intake, Slots } from 'mailserver'
import { level } from 'mailserver/plugins/level'
import { expect, it } from 'vitest'
import { hashPassword } from '../../src/directory/password.ts'
import { transfer } from '../intake/support/world.ts'
import { startTestServer } from '../support/test-server.ts'

const LOGINS = 300
const MESSAGES = 50

it('mail is delivered while hundreds of logins wait for their hash', { timeout: 60_000 }, async () => {
  const password = await hashPassword('right')
  await using server = await startTestServer({ storage: level(), accounts: { 'alice@example.test': password } })
  const over = new AbortController()
  let ended = 0
  const logins = Array.from({ length: LOGINS }, (_, at) =>
    server
      .service(authenticator)
      .authenticate(
        { mechanism: 'PLAIN', login: 'alice@example.test', password: `wrong ${at}`, ...from(`192.0.2.${at}`) },
        over.signal,
      )
      .catch(() => {
        ended += 1
      }),
  )
  const connection = { remotePort: 1, localAddress: '', localPort: 25, openedAt: 0, id: 'c', slots: new Slots() }
  const session = server.service(intake).open({ ...connection, ...from('192.0.2.1'), protocol: 'smtp' }, 'mx')
  for (let at = 0; at < MESSAGES; at++) expect((await transfer(session)).answer.ok).toBe(true)
  // Each message waits for the disk; did it wait for hashes as well, the storm would be over before it.
  expect(ended).toBeLessThan(LOGINS / 2)
  over.abort(new Error('the test is over'))
  await Promise.all(logins)
  expect(ended).toBe(LOGINS)
})

const from = (remoteAddress: string) => ({ protocol: 'imap', remoteAddress })
