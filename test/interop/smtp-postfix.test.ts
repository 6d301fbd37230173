import { expect, it } from 'vitest'
import { Client } from '../plugins/smtp/support/client.ts'
import { realMessages, stuffed } from '../plugins/smtp/support/real-messages.ts'
import { belowTrace, startWorld, type World } from '../plugins/smtp/support/world.ts'
import { eventually } from '../support/peer.ts'
import { startPostfix } from '../support/postfix.ts'
import { describeWith } from '../support/programs.ts'

/** A Postfix that hands everything for us on, and changes nothing in it but for its own Received. */
const relayTo = (world: World, protocol: 'smtp' | 'lmtp', mainCf: Readonly<Record<string, string>> = {}) =>
  startPostfix({
    transport: { 'example.test': `${protocol}:[127.0.0.1]:${world.port(protocol)}` },
    mainCf: {
      relay_domains: 'example.test',
      local_header_rewrite_clients: '',
      message_drop_headers: '',
      smtp_line_length_limit: '0',
      ...mainCf,
    },
  })

/** What Postfix put above it, taken off. */
function belowPostfix(message: Buffer): Buffer {
  const text = belowTrace(message).toString('latin1')
  const own = /^Received: from [^\r]*\r\n(?:\t[^\r]*\r\n)*/.exec(text)
  return Buffer.from(text.slice(own?.[0].length ?? 0), 'latin1')
}

/** Postfix takes the obsolete space before a field's colon away (RFC 5322 section 4.5). */
const asPostfixHas = (text: string): string => text.replace(/^([!-9;-~]+)[ \t]+:/, '$1:')

describeWith(['postfix'], 'a Postfix that relays to us', () => {
  it('hands on every real message byte for byte', { timeout: 60_000 }, async ({ skip }) => {
    const messages = realMessages()?.filter(({ bytes }) => !bytes.includes(0))
    if (messages === undefined) return skip('the collected messages are not here')
    await using world = await startWorld()
    await using postfix = await relayTo(world, 'smtp')
    await using client = await Client.open(postfix.port)
    await client.say('EHLO client.test')
    for (const { name, bytes } of messages) {
      expect(await client.send('a@b.test', ['alice@example.test'], stuffed(bytes)), name).toMatch(/^250 /)
    }
    const stored = await eventually(async () => {
      const found = await world.messages('alice@example.test')
      return found.length >= messages.length && found
    }, 40_000).catch((error) => {
      throw new Error(postfix.output().slice(-3000), { cause: error })
    })
    const left = new Set(stored.map((message) => belowPostfix(message).toString('latin1')))
    const lost = messages.filter(({ bytes }) => !left.has(asPostfixHas(bytes.toString('latin1'))))
    expect(lost.map(({ name }) => name)).toEqual([])
    return undefined
  })

  it('uses STARTTLS, DSN and one connection for many, and hears every refusal', { timeout: 60_000 }, async () => {
    await using world = await startWorld({ quotaBytes: { 'bob@example.test': 3_000 }, messageBytes: 50_000 })
    await using postfix = await relayTo(world, 'smtp', { smtp_tls_security_level: 'encrypt' })
    const send = async (to: string, body = 'x') =>
      postfix.sendmail(['-f', 'alice@example.test', '-N', 'success,failure', to], `Subject: to ${to}\n\n${body}\n`)
    await send('alice@example.test')
    await eventually(async () => (await world.messages('alice@example.test')).some((one) => /ESMTPS/.test(`${one}`)))
    await eventually(async () =>
      (await world.messages('alice@example.test')).some((one) => /Action: delivered/.test(`${one}`)),
    )
    await send('nobody@example.test')
    await eventually(() => /status=bounced \(host .* said: 550 5\.1\.1 No such user here/.test(postfix.output()))
    await send('bob@example.test', 'y'.repeat(60_000).replace(/.{70}/g, '$&\n'))
    await eventually(() =>
      /dsn=5\.3\.4, status=bounced \(message size \d+ exceeds size limit 50000/.test(postfix.output()),
    )
  })

  it('delivers by LMTP, with an answer for each recipient', { timeout: 60_000 }, async () => {
    await using world = await startWorld({ quotaBytes: { 'bob@example.test': 1_000 } })
    await using postfix = await relayTo(world, 'lmtp')
    const to = ['alice@example.test', 'bob@example.test', 'nobody@example.test']
    await postfix.sendmail(['-f', 'a@b.test', ...to], `Subject: x\n\n${'y\n'.repeat(800)}`)
    await eventually(() => /to=<alice@example\.test>.*status=sent/.test(postfix.output()))
    await eventually(() =>
      /to=<bob@example\.test>.*status=(?:deferred|bounced).*(?:4\.2\.2|5\.2\.3)/.test(postfix.output()),
    )
    await eventually(() => /to=<nobody@example\.test>.*status=bounced.*5\.1\.1/.test(postfix.output()))
    expect(await world.messages('alice@example.test')).toHaveLength(1)
    expect(await world.messages('bob@example.test')).toHaveLength(0)
  })
})
