import { Resolver } from 'node:dns/promises'
import { expect, it } from 'vitest'
import { startDnsServer } from '../support/dns-server.ts'
import { describeWith } from '../support/programs.ts'

describeWith(['knotd', 'knotc', 'dig'], 'the DNS server that other tests use', () => {
  it('answers for its zones and for no others, and takes changes', async () => {
    await using dns = await startDnsServer({ 'x.test': ['@ MX 10 mx', 'mx A 127.0.0.1'], 'y.test': [] })
    const resolver = new Resolver({ timeout: 1000, tries: 1 })
    resolver.setServers([dns.address])
    expect(await resolver.resolveMx('x.test')).toEqual([
      expect.objectContaining({ priority: 10, exchange: 'mx.x.test' }),
    ])
    await expect(resolver.resolveMx('y.test')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolver.resolveMx('gone.y.test')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolver.resolveMx('z.test')).rejects.toMatchObject({ code: 'EREFUSED' })
    await dns.change('y.test', ['@ MX 0 .'])
    expect(await resolver.resolveMx('y.test')).toEqual([expect.objectContaining({ priority: 0, exchange: '' })])
  })
})
