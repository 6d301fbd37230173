import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { indexMessage } from '../../src/mail/index-message.ts'
import { exportAccount } from '../../src/store/transfer/export-account.ts'
import { importAccount } from '../../src/store/transfer/import-account.ts'
import { ALICE, type SmallStore, smallStore } from '../store/support/small-store.ts'
import { run, scratch } from '../support/peer.ts'
import { describeWith, findProgram } from '../support/programs.ts'

const AT = Date.UTC(2019, 11, 31, 23, 59, 58)

/** Two mailboxes with what makes files hard: lines that begin with From, keywords, a name that is not ASCII. */
async function filled(): Promise<SmallStore> {
  const small = await smallStore()
  await small.store.createMailbox(ALICE, 'Entwürfe')
  const add = async (mailbox: string, at: number, flags: readonly string[], body: string) => {
    const bytes = Buffer.from(
      `From: a@example.test\r\nSubject: number ${at}\r\nMessage-ID: <${at}@example.test>\r\n\r\n${body}`,
    )
    const message = {
      blob: await small.blobs.write(bytes),
      index: indexMessage(bytes),
      flags,
      internalDate: AT + at * 1000,
    }
    await small.store.append(ALICE, await small.id(mailbox), [message])
  }
  await add('INBOX', 1, [], 'From the first line on\r\n\r\nFrom x Sun Nov 22 05:15:58 2026\r\nend\r\n')
  await add('INBOX', 2, ['\\Seen', '\\Answered', 'Wichtig'], 'two\r\n')
  await add('INBOX', 3, ['\\Flagged', '\\Draft', '\\Deleted', 'Later', 'Wichtig'], 'three\r\n')
  await add('Entwürfe', 4, ['\\Seen'], 'four\r\n')
  await small.store.expunge(ALICE, await small.id('INBOX'), [2])
  await add('INBOX', 5, ['\\Seen', '\\Answered', 'Wichtig'], 'five\r\n')
  return small
}

const exported = async (small: SmallStore, path: string, format: 'mbox' | 'maildir') =>
  exportAccount(small.context, ALICE, path, { format, onLost: () => {} })

const EXPECTED = {
  '1': {
    subject: 'number 1',
    flags: [],
    at: 1,
    body: 'From the first line on\n\nFrom x Sun Nov 22 05:15:58 2026\nend\n',
  },
  '3': {
    subject: 'number 3',
    flags: ['Later', 'Wichtig', '\\Deleted', '\\Draft', '\\Flagged'],
    at: 3,
    body: 'three\n',
  },
  '4': { subject: 'number 5', flags: ['Wichtig', '\\Answered', '\\Seen'], at: 5, body: 'five\n' },
}

/** doveadm over one location, with no server: nobody but this user's files is touched. */
async function doveadm(dir: string, location: string, ...args: string[]): Promise<string> {
  // Dovecot reads no mail as root: nobody does.
  const isRoot = userInfo().uid === 0
  const { username, uid, gid } = isRoot ? { username: 'tester', uid: 65534, gid: 65534 } : userInfo()
  const config = join(dir, 'dovecot.conf')
  writeFileSync(
    config,
    [
      `base_dir = ${dir}/run`,
      'log_path = /dev/stderr',
      `mail_location = ${location}`,
      'mail_full_filesystem_access = yes',
      'first_valid_uid = 1',
      'first_valid_gid = 1',
      `mail_uid = ${uid}`,
      `mail_gid = ${gid}`,
      `mail_home = ${dir}/home`,
      'mbox_write_locks = fcntl',
      'stats_writer_socket_path =',
      'ssl = no',
      '',
    ].join('\n'),
  )
  if (isRoot) execFileSync('chown', ['-R', `${uid}:${gid}`, dir])
  const ran = await run(findProgram('doveadm') ?? '', ['-c', config, ...args], {
    env: { USER: username, HOME: `${dir}/home`, TZ: 'UTC' },
  })
  if (ran.code !== 0) throw new Error(`doveadm ${args.join(' ')}: ${ran.stderr}`)
  return ran.stdout
}

/** What Dovecot has of a mailbox, by UID. */
async function fetched(dir: string, location: string, mailbox: string) {
  const fields = 'uid flags date.received.unixtime hdr.subject body'
  const text = await doveadm(dir, location, '-f', 'json', 'fetch', fields, 'mailbox', mailbox)
  const messages = JSON.parse(text) as Record<string, string>[]
  return Object.fromEntries(
    messages.map((one) => [
      one.uid as string,
      {
        subject: one['hdr.subject'] as string,
        flags: (one.flags ?? '')
          .split(' ')
          .filter((flag) => flag !== '' && flag !== '\\Recent')
          .sort(),
        at: Number(one['date.received.unixtime']) - AT / 1000,
        body: (one.body ?? '').replaceAll('\r\n', '\n'),
      },
    ]),
  )
}

describeWith(['doveadm'], 'Dovecot reads what was exported, and is read', () => {
  test('a Maildir with UIDs, flags, keywords, dates and names', async () => {
    using dir = scratch('transfer-maildir')
    const path = join(dir.path, 'Maildir')
    await exported(await filled(), path, 'maildir')
    const location = `maildir:${path}`
    expect(await fetched(dir.path, location, 'INBOX')).toEqual(EXPECTED)
    expect(await fetched(dir.path, location, 'Entwürfe')).toMatchObject({
      '1': { subject: 'number 4', flags: ['\\Seen'] },
    })
    const status = await doveadm(dir.path, location, '-f', 'flow', 'mailbox', 'status', 'uidvalidity uidnext', 'INBOX')
    expect(status).toContain('uidnext=5')
  })

  test('an mbox with UIDs, flags, keywords and dates', async () => {
    using dir = scratch('transfer-mbox')
    const path = join(dir.path, 'mail')
    await exported(await filled(), path, 'mbox')
    const location = `mbox:${path}:INBOX=${path}/INBOX.mbox`
    // Dovecot shows the quotes of the mboxrd form as they are.
    const body = '>From the first line on\n\n>From x Sun Nov 22 05:15:58 2026\nend\n'
    expect(await fetched(dir.path, location, 'INBOX')).toEqual({ ...EXPECTED, '1': { ...EXPECTED['1'], body } })
  })

  test.each(['maildir', 'mbox'] as const)('a %s that Dovecot wrote comes in whole', async (format) => {
    using dir = scratch('transfer-dovecot')
    const from = join(dir.path, 'from')
    await exported(await filled(), from, 'maildir')
    const theirs = join(dir.path, 'theirs')
    const location = format === 'maildir' ? `maildir:${theirs}` : `mbox:${theirs}:INBOX=${theirs}/INBOX.mbox`
    execFileSync('mkdir', ['-p', theirs])
    for (const mailbox of ['INBOX', 'Entwürfe']) {
      if (mailbox !== 'INBOX') await doveadm(dir.path, location, 'mailbox', 'create', mailbox)
      const source = `maildir:${from}`
      await doveadm(dir.path, location, 'import', source, '', 'mailbox', mailbox)
    }
    // Flags that Dovecot itself sets, in its own files.
    await doveadm(
      dir.path,
      location,
      'flags',
      'add',
      '\\Flagged Neu',
      'mailbox',
      'INBOX',
      'header',
      'subject',
      'number 1',
    )
    const small = await smallStore()
    const source = format === 'maildir' ? theirs : join(theirs, 'INBOX.mbox')
    const done = await importAccount(small.context, small.store, ALICE, source, { maxBytes: 1e9, onSkipped: () => {} })
    expect(done.imported).toBeGreaterThanOrEqual(3)
    const found: object[] = []
    for await (const states of small.store.states(ALICE, await small.id('INBOX'))) {
      for (const { uid, flags, internalDate } of states) {
        const text = (await small.store.read(ALICE, await small.id('INBOX'), uid)).toString()
        const [, subject] = /Subject: (.*)\r\n/.exec(text) ?? []
        found.push({
          subject,
          flags: [...flags].sort(),
          at: Math.round((internalDate - AT) / 1000),
          body: text.split('\r\n\r\n').slice(1).join('\n\n').replaceAll('\r\n', '\n'),
        })
      }
    }
    expect(found).toEqual([{ ...EXPECTED['1'], flags: ['Neu', '\\Flagged'] }, EXPECTED['3'], EXPECTED['4']])
    if (format === 'maildir') expect((await small.store.status(ALICE, await small.id('Entwürfe'))).messages).toBe(1)
  })
})

describeWith(['mutt', 'script'], 'mutt reads what was exported', () => {
  test.each(['maildir', 'mbox'] as const)('a %s, every message with its flags', async (format) => {
    using dir = scratch('transfer-mutt')
    const path = join(dir.path, 'out')
    await exported(await filled(), path, format)
    const folder = format === 'maildir' ? path : join(path, 'INBOX.mbox')
    const list = join(dir.path, 'list')
    const muttrc = join(dir.path, 'muttrc')
    writeFileSync(
      muttrc,
      [
        // A directory that is there: mutt would ask whether to make its own, and take the first keys for the answer.
        `set folder=${dir.path} wait_key=no quit=yes delete=no move=no mark_old=no pipe_decode=yes pipe_split=yes`,
        '',
      ].join('\n'),
    )
    // All at once: mutt may order what it shows anew at any moment.
    const all = '<tag-pattern>~A<enter><tag-prefix>'
    writeFileSync(join(dir.path, 'keys'), `push "${all}<pipe-message>cat >> ${list}<enter><exit>"\n`)
    // mutt wants a terminal: script gives it one.
    const typescript = join(dir.path, 'typescript')
    const mutt = await run(
      'script',
      ['-qec', `mutt -F ${muttrc} -f ${folder} -e 'source ${dir.path}/keys'`, typescript],
      {
        env: { TERM: 'xterm', HOME: dir.path, LANG: 'C.UTF-8' },
        timeoutMs: 20_000,
      },
    )
    expect(mutt.code, readFileSync(typescript, 'latin1')).toBe(0)
    const text = readFileSync(list, 'utf8')
    expect([...text.matchAll(/^Subject: (.*)$/gm)].map(([, subject]) => subject).sort()).toEqual([
      'number 1',
      'number 3',
      'number 5',
    ])
    // mutt shows the quotes of the mboxrd form as they are.
    expect(text).toContain(format === 'mbox' ? '\n>From the first line on\n' : '\nFrom the first line on\n')
  })
})

describeWith(['python3'], 'Python’s mailbox module reads what was exported', () => {
  const SCRIPT = `
import json, mailbox, sys
kind, path = sys.argv[1:]
box = mailbox.Maildir(path, create=False) if kind == 'maildir' else mailbox.mbox(path, create=False)
out = []
for m in box:
    out.append([m['subject'], ''.join(sorted(m.get_flags()))])
print(json.dumps(sorted(out)))
`
  test.each(['maildir', 'mbox'] as const)('a %s, every message with its flags', async (format) => {
    using dir = scratch('transfer-python')
    const path = join(dir.path, 'out')
    await exported(await filled(), path, format)
    const folder = format === 'maildir' ? path : join(path, 'INBOX.mbox')
    const ran = await run('python3', ['-c', SCRIPT, format, folder])
    expect(ran.stderr).toBe('')
    const found = JSON.parse(ran.stdout) as [string, string][]
    const flags = format === 'maildir' ? ['', 'DFT', 'RS'] : ['O', 'DFOT', 'AOR']
    expect(found.map(([subject]) => subject)).toEqual(['number 1', 'number 3', 'number 5'])
    expect(found.map(([, text]) => text.replace(/[a-z]/g, ''))).toEqual(flags)
    if (format === 'maildir') expect(readdirSync(path)).toContain('.Entw&APw-rfe')
  })
})
