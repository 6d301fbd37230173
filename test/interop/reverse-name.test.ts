import { expect, it } from 'vitest'
import { startIntake, transfer } from '../intake/support/world.ts'
import { startDnsServer } from '../support/dns-server.ts'
import { eventually } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'

describeWith(['knotd', 'knotc', 'dig'], 'the name of a peer', () => {
  it('stands in Received once DNS has told it, and mail does not wait for it', async () => {
    await using dns = await startDnsServer({
      '2.0.192.in-addr.arpa': ['7 PTR mx.far.test.'],
      'far.test': ['mx A 192.0.2.7'],
    })
    await using world = await startIntake({ dnsServers: [dns.address] })
    expect((await transfer(world.open())).answer.ok).toBe(true)
    await eventually(async () => {
      await transfer(world.open())
      const text = (await world.messages('alice@example.test')).at(-1)?.text ?? ''
      return text.includes('(mx.far.test [192.0.2.7])')
    })
    const first = (await world.messages('alice@example.test'))[0]?.text
    expect(first).toMatch(/^Return-Path: .*\r\nReceived: from \S+ \((?:mx\.far\.test )?\[192\.0\.2\.7\]\)/)
  })
})
