import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { type ImapServer, startImapServer, text } from './imap-server.ts'

let imap: ImapServer
beforeAll(async () => {
  imap = await startImapServer()
})
afterAll(() => imap[Symbol.asyncDispose]())

describeWith(['mutt', 'script'], 'mutt', () => {
  it('reads a mailbox in batch mode', async () => {
    using home = scratch('mutt')
    await imap.deliver('bob@example.test', 'INBOX', text('for-mutt', 'mutt reads this'), text('second', 'and this'))
    const rc = join(home.path, 'muttrc')
    const out = join(home.path, 'out')
    writeFileSync(
      rc,
      [
        'set folder="imaps://127.0.0.1/"',
        'set imap_user="bob@example.test"',
        'set imap_pass="secret"',
        'set ssl_verify_host=no',
        'set ssl_verify_dates=no',
        'set ssl_force_tls=yes',
        `set certificate_file="${join(home.path, 'certs')}"`,
        'set wait_key=no',
        'set quit=yes',
        'set delete=yes',
        'set header_cache=',
        'set pipe_decode=yes',
      ].join('\n'),
    )
    writeFileSync(join(home.path, 'certs'), readFileSync(imap.certificateFile))
    const keys = `push "<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> ${out}<enter><exit>"`
    writeFileSync(join(home.path, 'keys'), keys)
    // mutt wants a terminal: script gives it one.
    const command = `mutt -F ${rc} -f imaps://127.0.0.1:${imap.tlsPort}/INBOX -e 'source ${join(home.path, 'keys')}'`
    const mutt = await run('script', ['-qec', command, join(home.path, 'typescript')], {
      env: { HOME: home.path, TERM: 'xterm', LANG: 'C.UTF-8' },
      timeoutMs: 20_000,
    })
    expect(mutt.code, readFileSync(join(home.path, 'typescript'), 'latin1')).toBe(0)
    const shown = await eventually(() => readFileSync(out, 'utf8'))
    expect(shown).toContain('mutt reads this')
    expect(shown).toContain('and this')
  })
})
