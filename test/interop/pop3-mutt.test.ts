import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { LOGIN, PASSWORD, type Pop3TestServer, startPop3Server } from './pop3-server.ts'

let pop: Pop3TestServer
beforeEach(async () => {
  pop = await startPop3Server()
})
afterEach(() => pop.server.stop())

/** Runs mutt in a terminal of its own on the maildrop, presses the keys, and waits until it has ended. */
async function mutt(scheme: 'pop' | 'pops', port: number, keys: string): Promise<{ screen: string; saved: string }> {
  const home = pop.directory('mutt')
  const saved = join(home, 'saved')
  writeFileSync(
    join(home, 'muttrc'),
    [
      `set certificate_file="${pop.certFile}" ssl_starttls=yes ssl_force_tls=yes ssl_usesystemcerts=no`,
      `set pop_user="${LOGIN}" pop_pass="${PASSWORD}" pop_delete=no pop_last=no pop_checkinterval=0`,
      `set folder="${home}" spoolfile="${home}/none" record="" header_cache="" message_cachedir=""`,
      'set mbox_type=mbox copy=no confirmappend=no confirmcreate=no delete=yes quit=yes wait_key=no beep=no sleep_time=0',
      `set my_saved="${saved}"`,
      `folder-hook . 'push "${keys.replaceAll('SAVED', saved)}"'`,
      '',
    ].join('\n'),
  )
  const command = `mutt -F ${join(home, 'muttrc')} -f ${scheme}://localhost:${port}`
  const ran = await run('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { HOME: home, TERM: 'vt100', LC_ALL: 'C.UTF-8' },
    timeoutMs: 15_000,
  })
  return { screen: ran.stdout, saved: existsSync(saved) ? readFileSync(saved, 'utf8') : '' }
}

describeWith(['mutt', 'script'], 'mutt', () => {
  test.each(['pops', 'pop'] as const)('reads mail and removes it (%s)', async (scheme) => {
    const message = (n: number) => `From: bob@example.test\r\nSubject: number ${n}\r\n\r\n.line ${n}\r\n.\r\nend\r\n`
    await pop.deliver([1, 2].map((n) => Buffer.from(message(n))))
    const port = scheme === 'pops' ? pop.tlsPort : pop.port
    const keys = '<first-entry><copy-message>SAVED<enter><next-entry><copy-message>SAVED<enter><delete-message><quit>'
    const { screen, saved } = await mutt(scheme, port, keys)
    expect(saved, screen).toContain('Subject: number 1')
    expect(saved).toContain('\n\n.line 1\n.\nend\n')
    expect(saved).toContain('\n\n.line 2\n.\nend\n')
    expect(await pop.count()).toBe(1)
  })
})
