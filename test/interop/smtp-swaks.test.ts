import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { queue } from 'mailserver'
import { expect, it } from 'vitest'
import { startWorld } from '../plugins/smtp/support/world.ts'
import { type Ran, run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'

const swaks = (port: number, ...args: readonly string[]): Promise<Ran> =>
  run('swaks', ['--server', `127.0.0.1:${port}`, '--from', 'a@b.test', '--to', 'alice@example.test', ...args])

const AS_ALICE = ['--auth-user', 'alice@example.test', '--auth-password', 'secret', '--from', 'alice@example.test']

describeWith(['swaks'], 'swaks', () => {
  it('sends in clear, with STARTTLS, pipelined, by HELO, and by LMTP', async () => {
    await using world = await startWorld()
    const ways = [
      ['smtp', []],
      ['smtp', ['-tls']],
      ['smtp', ['--pipeline']],
      ['smtp', ['--protocol', 'SMTP']],
      ['lmtp', ['--protocol', 'LMTP']],
    ] as const
    for (const [protocol, args] of ways) {
      const { code, stdout } = await swaks(world.port(protocol), ...args)
      expect(code, stdout).toBe(0)
    }
    const texts = (await world.messages('alice@example.test')).map(String)
    expect(texts.map((text) => /\swith\s+(\S+)/.exec(text)?.[1])).toEqual(['ESMTP', 'ESMTPS', 'ESMTP', 'SMTP', 'LMTP'])
    expect(texts[1]).toMatch(/\(TLSv1\.3 TLS_\w+\)/)
  })

  it('logs in with PLAIN and LOGIN, after STARTTLS and with TLS from the first byte', async () => {
    await using world = await startWorld()
    for (const mechanism of ['PLAIN', 'LOGIN']) {
      for (const [options, ...args] of [
        [{ tls: false }, '-tls'],
        [{ tls: true }, '--tls-on-connect'],
      ] as const) {
        const to = ['--to', 'bob@example.test,x@elsewhere.test']
        const { code, stdout } = await swaks(
          world.port('submission', options),
          ...args,
          '--auth',
          mechanism,
          ...AS_ALICE,
          ...to,
        )
        expect(code, stdout).toBe(0)
      }
    }
    expect(await world.messages('bob@example.test')).toHaveLength(4)
    expect(await world.service(queue).count({ domain: 'elsewhere.test' })).toBe(4)
  })

  it('sends attachments, which arrive whole', async () => {
    await using world = await startWorld()
    using directory = scratch('swaks')
    const file = join(directory.path, 'attached.bin')
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7919) % 256))
    writeFileSync(file, bytes)
    const { code } = await swaks(
      world.port('smtp'),
      '--attach-type',
      'application/octet-stream',
      '--attach',
      `@${file}`,
    )
    expect(code).toBe(0)
    const [stored] = await world.messages('alice@example.test')
    const text = stored?.toString('latin1') ?? ''
    const encoded = /base64\r\n(?:[\w-]+:.*\r\n)*\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/i.exec(
      text.slice(text.indexOf('octet-stream')),
    )?.[1]
    expect(Buffer.from(encoded ?? '', 'base64').equals(bytes)).toBe(true)
  })

  it.each([
    ['an unknown user', 'smtp', ['--to', 'nobody@example.test'], 24, '550 5.1.1'],
    ['relaying', 'smtp', ['--to', 'x@elsewhere.test'], 24, '554 5.7.1'],
    [
      'a wrong password',
      'submission',
      ['-tls', '--auth', 'PLAIN', ...AS_ALICE, '--auth-password', 'wrong'],
      28,
      '535 5.7.8',
    ],
    [
      'a sender that is somebody else',
      'submission',
      ['-tls', '--auth', 'PLAIN', ...AS_ALICE, '--from', 'bob@example.test'],
      23,
      '550 5.7.1',
    ],
    ['mail without a login', 'submission', ['-tls'], 23, '530 5.7.0'],
  ])('is refused %s', async (_what, protocol, args, code, text) => {
    await using world = await startWorld()
    const ran = await swaks(world.port(protocol), ...args)
    expect(ran.stdout).toContain(text)
    expect(ran.code).toBe(code)
  })

  it('finds no AUTH where there is no TLS', async () => {
    await using world = await startWorld()
    const { code } = await swaks(world.port('submission'), '--auth', 'PLAIN', ...AS_ALICE)
    expect(code).toBe(28)
  })
})
