import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { queue } from 'mailserver'
import { createTransport } from 'nodemailer'
import { expect, it } from 'vitest'
import { belowTrace, startWorld } from '../plugins/smtp/support/world.ts'
import { run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'

describeWith(['curl'], 'curl', () => {
  it('submits a message with STARTTLS and with TLS from the first byte', async () => {
    await using world = await startWorld()
    using directory = scratch('curl')
    const file = join(directory.path, 'message.eml')
    writeFileSync(file, 'From: alice@example.test\nTo: bob@example.test\nSubject: curl\n\n.dot\n..dots\nend\n')
    const urls = [
      `smtp://127.0.0.1:${world.port('submission')}`,
      `smtps://127.0.0.1:${world.port('submission', { tls: true })}`,
    ]
    const args = ['-sS', '--insecure', '--ssl-reqd', '--user', 'alice@example.test:secret']
    const envelope = ['--mail-from', 'alice@example.test', '--mail-rcpt', 'bob@example.test', '--mail-rcpt', 'x@y.test']
    for (const url of urls) {
      const { code, stderr } = await run('curl', [...args, ...envelope, '--crlf', '--upload-file', file, url])
      expect(code, stderr).toBe(0)
    }
    const stored = await world.messages('bob@example.test')
    expect(stored).toHaveLength(2)
    for (const message of stored) expect(belowTrace(message).toString()).toContain('\r\n\r\n.dot\r\n..dots\r\nend\r\n')
    expect(await world.service(queue).count({ recipient: 'x@y.test' })).toBe(2)

    // A file with bare LF, sent as it is: curl hears why.
    const { code, stderr } = await run('curl', [...args, '-v', ...envelope, '--upload-file', file, urls[0] as string])
    expect(code).not.toBe(0)
    expect(stderr).toContain('554 5.6.0 Bare CR or LF')
  })
})

it('nodemailer submits many messages over one pooled connection', async () => {
  await using world = await startWorld()
  const transport = createTransport({
    host: '127.0.0.1',
    port: world.port('submission'),
    requireTLS: true,
    pool: true,
    maxConnections: 1,
    tls: { rejectUnauthorized: false },
    auth: { user: 'alice@example.test', pass: 'secret' },
  })
  try {
    for (let at = 0; at < 20; at++) {
      const { response } = await transport.sendMail({
        from: 'Alice <alice@example.test>',
        to: 'bob@example.test',
        subject: `number ${at}: Grüße`,
        text: 'Zeile\n.\n..\nEnde',
        attachments: [{ filename: 'a.bin', content: Buffer.alloc(5_000, at) }],
        dsn: { id: `id-${at}`, return: 'headers', notify: ['failure'], recipient: 'bob@example.test' },
      })
      expect(response).toMatch(/^250 2\.0\.0 Accepted as \w+$/)
    }
    await expect(
      transport.sendMail({ from: 'bob@example.test', to: 'bob@example.test', text: 'x' }),
    ).rejects.toMatchObject({ responseCode: 550 })
  } finally {
    transport.close()
  }
  expect(await world.messages('bob@example.test')).toHaveLength(20)
})
