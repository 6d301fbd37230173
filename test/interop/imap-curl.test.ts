import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { type ImapServer, startImapServer, text } from './imap-server.ts'

let imap: ImapServer
beforeAll(async () => {
  imap = await startImapServer()
})
afterAll(() => imap[Symbol.asyncDispose]())

describeWith(['curl'], 'curl', () => {
  const curl = (path: string, ...args: readonly string[]) =>
    run('curl', ['-sS', '-k', '-u', 'bob@example.test:secret', `imaps://127.0.0.1:${imap.tlsPort}/${path}`, ...args])

  it('lists, appends, fetches and searches', async () => {
    using directory = scratch('curl')
    const file = join(directory.path, 'message.eml')
    const message = text('from-curl', 'uploaded by curl').replaceAll('\n', '\r\n')
    writeFileSync(file, message)
    expect((await curl('')).stdout).toContain('* LIST (\\HasNoChildren) "/" "INBOX"')
    expect(await curl('Drafts', '-T', file)).toMatchObject({ code: 0, stderr: '' })
    expect((await curl('Drafts;UID=1')).stdout).toBe(message)
    expect((await curl('Drafts;MAILINDEX=1;SECTION=TEXT')).stdout).toBe('uploaded by curl\r\n')
    expect((await curl('Drafts?SUBJECT%20from-curl')).stdout.trim()).toBe('* SEARCH 1')
    expect((await curl('Drafts?SUBJECT%20nothing')).stdout.trim()).toBe('* SEARCH')
    expect((await curl('', '-X', 'STATUS Drafts (MESSAGES)')).stdout).toContain('(MESSAGES 1)')
  })

  it('is refused with a wrong password', async () => {
    const { code } = await run('curl', [
      '-sS',
      '-k',
      '-u',
      'bob@example.test:wrong',
      `imaps://127.0.0.1:${imap.tlsPort}/`,
    ])
    expect(code).toBe(67)
  })
})
