import { describe, expect, it } from 'vitest'
import type { AttemptResult } from '../../src/queue/queue.ts'
import { all, HOUR, MINUTE, NONE, one, putOff, queueWorld, tick } from './queue-world.ts'

describe('settling', () => {
  it('takes delivered recipients out, and the blob with the last of them', async () => {
    const world = queueWorld()
    await world.queue.start()
    const id = await world.put(['a@x.test', 'b@y.test'])
    const claims = await world.queue.claim(10, NONE)
    const [first, second] = [one(claims), one(claims.slice(1))]
    await world.queue.settle(first, all(first, 'delivered', { remote: 'mx.x.test [192.0.2.1]:25', text: '250 ok' }))
    expect(await world.links()).toBe(1)
    await world.queue.settle(second, all(second, 'delivered'))
    expect(await world.links()).toBe(0)
    expect(await world.keys()).toBe(0)
    expect(world.delivered).toEqual([])
    expect(world.events.get(id)?.[0]?.text).toBe('a@x.test: mx.x.test [192.0.2.1]:25: 250 ok')
    expect(world.settled.map(({ outcome, recipients }) => [outcome, recipients])).toEqual([
      ['delivered', ['a@x.test']],
      ['delivered', ['b@y.test']],
    ])
  })

  it('tries deferred recipients again by the schedule, the last wait repeating', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const waits: number[] = []
    for (let attempt = 0; attempt < 5; attempt++) {
      const claim = one(await world.queue.claim(1, NONE))
      expect(claim.recipients[0]?.attempts).toBe(attempt)
      await world.queue.settle(claim, all(claim, 'deferred'))
      await tick()
      const due = (await world.queue.list({})).entries[0]?.recipient.dueAt ?? 0
      waits.push(due - world.clock.now())
      expect(await world.queue.claim(1, NONE)).toEqual([])
      await world.clock.advance(due - world.clock.now())
    }
    expect(waits).toEqual([5 * MINUTE, 10 * MINUTE, HOUR, HOUR, HOUR])
  })

  it.each([
    [0, 4.5],
    [0.5, 5],
    [1, 5.5],
  ])('spreads a wait by the jitter (%d)', async (random, minutes) => {
    const world = queueWorld({ schedule: { jitter: 0.1 }, random: () => random })
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'deferred'))
    const entry = (await world.queue.list({})).entries[0]?.recipient
    expect((entry?.dueAt ?? 0) - world.clock.now()).toBe(minutes * MINUTE)
  })

  it('keeps recipients that were deferred together, together', async () => {
    const world = queueWorld({ schedule: { jitter: 1 }, random: Math.random })
    await world.queue.start()
    await world.put(['a@x.test', 'b@x.test', 'c@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'deferred'))
    await world.clock.advance(10 * MINUTE)
    expect(one(await world.queue.claim(10, NONE)).recipients).toHaveLength(3)
  })

  it('waits as long as the attempt says, when it says so', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    const attempt = { at: 0, ms: 1, status: '4.7.1', text: 'later' }
    await world.queue.settle(claim, new Map([[0, { kind: 'deferred', attempt, retryAfterMs: 1234 }]]))
    const entry = (await world.queue.list({})).entries[0]?.recipient
    expect((entry?.dueAt ?? 0) - world.clock.now()).toBe(1234)
  })

  it('puts off what was not tried, without counting it or telling anyone', async () => {
    const world = queueWorld()
    await world.queue.start()
    const id = await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, putOff(claim, 60_000))
    await tick()
    const { entries } = await world.queue.list({})
    expect(entries[0]?.recipient).toMatchObject({ state: 'waiting', attempts: 0, dueAt: world.clock.now() + 60_000 })
    expect(entries[0]?.recipient.lastAttempt?.text).toContain('not tried again so soon')
    expect(world.settled).toEqual([])
    expect(world.events.get(id) ?? []).toEqual([])
    await world.clock.advance(59_999)
    expect(await world.queue.claim(1, NONE)).toEqual([])
    await world.clock.advance(1)
    expect(await world.queue.claim(1, NONE)).toHaveLength(1)
  })

  it('warns, and gives up in the end, also when its servers were away all the time', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    for (;;) {
      const [claim] = await world.queue.claim(1, NONE)
      if (claim === undefined) break
      await world.queue.settle(claim, putOff(claim, HOUR))
      await world.clock.advance(HOUR)
    }
    expect(await world.queue.count({})).toBe(0)
    expect(world.delivered.map(({ text }) => /^Action: (.*)\r$/m.exec(text)?.[1])).toEqual(['delayed', 'failed'])
    expect(world.settled.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['deferred', '4.4.1'],
      ['failed', '5.4.7'],
    ])
  })

  it('gives up at the end of the lifetime, with the last words of the remote', async () => {
    const world = queueWorld({ schedule: { lifetimeMs: HOUR, delaysMs: [50 * MINUTE] } })
    await world.queue.start()
    await world.put(['a@x.test'])
    for (let attempt = 0; attempt < 3; attempt++) {
      const claim = one(await world.queue.claim(1, NONE))
      await world.queue.settle(
        claim,
        all(claim, 'deferred', { text: '451 4.3.0 try later', remote: 'mx.x.test [::1]:25' }),
      )
      await world.clock.advance(50 * MINUTE)
    }
    expect(await world.keys()).toBe(0)
    expect(world.delivered).toHaveLength(1)
    const text = world.delivered[0]?.text ?? ''
    expect(text).toContain('Status: 5.4.7')
    expect(text).toContain('Given up after 3 attempts; the last one ended with: 451 4.3.0 try later')
    expect(text).toContain('Remote-MTA: dns; mx.x.test')
  })

  it('puts back recipients that got no result', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    const results = new Map<number, AttemptResult>([...all(claim, 'delivered')].slice(0, 1))
    await world.queue.settle(claim, results)
    await tick()
    expect(one(await world.queue.claim(1, NONE)).recipients.map(({ index, attempts }) => [index, attempts])).toEqual([
      [1, 0],
    ])
  })

  it('writes nothing when the store fails, and can be called again', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    const { transact } = world.engine
    world.engine.transact = () => Promise.reject(new Error('disk gone'))
    await expect(world.queue.settle(claim, all(claim, 'delivered'))).rejects.toThrow('disk gone')
    world.engine.transact = transact
    expect(await world.queue.count({ state: 'delivering' })).toBe(1)
    await world.queue.settle(claim, all(claim, 'delivered'))
    expect(await world.keys()).toBe(0)
  })
})

describe('reports', () => {
  it('tells a local sender of failed recipients in one report, in the same commit', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@x.test', { to: 'c@x.test', originalRecipient: 'rfc822;cc@home.test' }], {
      envelope: { envelopeId: 'QQ314159' },
      header: 'X-Mark: returned\r\n',
    })
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(
      claim,
      all(claim, 'failed', { remote: 'mx.x.test [192.0.2.1]:25', text: '550 5.1.1 no such user' }),
    )
    expect(world.delivered).toHaveLength(1)
    const { request, text } = world.delivered[0] ?? { request: undefined, text: '' }
    expect(request?.envelope.sender).toBeUndefined()
    expect(request?.recipients).toEqual([{ account: 'account-alice', address: 'alice@home.test' }])
    expect(text).toContain('Return-Path: <>\r\n')
    expect(text).toContain('Auto-Submitted: auto-')
    expect(text.match(/^Final-Recipient: rfc822; ?.@x\.test\r$/gim)).toHaveLength(3)
    expect(text).toMatch(/^Original-Recipient: rfc822; ?cc@home\.test\r$/im)
    expect(text).toMatch(/^Original-Envelope-Id: QQ314159\r$/im)
    expect(text.match(/^Action: failed\r$/gm)).toHaveLength(3)
    expect(text).toContain('X-Mark: returned')
    expect(text).not.toContain('body of')
    expect(await world.keys()).toBe(0)
  })

  it('returns the whole message when RET=FULL asks for it', async () => {
    const world = queueWorld()
    await world.queue.start()
    const id = await world.put(['a@x.test'], { envelope: { returnContent: 'full' } })
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'failed'))
    expect(world.delivered[0]?.text).toContain(`body of ${id}`)
  })

  it('queues the report to a sender elsewhere with a null reverse-path, and bounces no bounce', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'], { sender: 'someone@far.test' })
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'failed'))
    await tick()
    const report = one(await world.queue.claim(1, NONE))
    expect(report.destination).toBe('far.test')
    expect(report.message.envelope.sender).toBeUndefined()
    expect(report.message.isReport).toBe(true)
    const bytes = await world.blobs.read(report.message.blob, { start: report.message.offset ?? 0 })
    expect(bytes).toHaveLength(report.message.size)
    expect(bytes.toString()).not.toContain('Return-Path')
    await world.queue.settle(report, all(report, 'failed'))
    expect(await world.keys()).toBe(0)
    expect(await world.links()).toBe(0)
    expect(world.delivered).toEqual([])
  })

  it('reports nothing to the null reverse-path', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put([{ to: 'a@x.test', notify: ['success', 'failure', 'delay'] }], { sender: null })
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'failed'))
    expect(world.delivered).toEqual([])
    expect(await world.keys()).toBe(0)
  })

  it('drops a report to a local user who does not exist, and says so in the journey', async () => {
    const world = queueWorld()
    await world.queue.start()
    const id = await world.put(['a@x.test'], { sender: 'nobody@home.test' })
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'failed'))
    await tick()
    expect(await world.keys()).toBe(0)
    expect(world.events.get(id)?.at(-1)?.text).toContain('there is no such user')
    expect(world.blobs.count).toBe(1)
  })

  it('both delivers and forwards a report where the sender has both', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'], { sender: 'away@home.test' })
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, 'failed'))
    await tick()
    expect(world.delivered).toHaveLength(1)
    expect(one(await world.queue.claim(1, NONE)).destination).toBe('far.test')
  })

  it.each([
    [['never'], 'failed', 0],
    [['delay'], 'failed', 0],
    [['failure'], 'failed', 1],
    [undefined, 'failed', 1],
    [['success'], 'delivered', 1],
    [['failure', 'delay'], 'delivered', 0],
    [undefined, 'delivered', 0],
    [['never'], 'delivered', 0],
  ] as const)('with NOTIFY %s, %s makes %d reports', async (notify, kind, count) => {
    const world = queueWorld()
    await world.queue.start()
    await world.put([{ to: 'a@x.test', ...(notify && { notify }) }])
    const claim = one(await world.queue.claim(1, NONE))
    await world.queue.settle(claim, all(claim, kind))
    expect(world.delivered).toHaveLength(count)
    if (kind === 'delivered' && count === 1) expect(world.delivered[0]?.text).toContain('Action: relayed')
  })

  it('leaves the report of success to a next hop that took the request over', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put([{ to: 'a@x.test', notify: ['success'] }])
    const claim = one(await world.queue.claim(1, NONE))
    const attempt = { at: 0, ms: 1, status: '2.0.0', text: '250 ok' }
    await world.queue.settle(claim, new Map([[0, { kind: 'delivered', attempt, isDsnPassedOn: true }]]))
    expect(world.delivered).toEqual([])
  })

  it.each([
    [undefined, 1],
    [['failure'], 0],
    [['delay'], 1],
    [['never'], 0],
  ] as const)('with NOTIFY %s, a delay is reported %d times', async (notify, count) => {
    const world = queueWorld()
    await world.queue.start()
    await world.put([{ to: 'a@x.test', ...(notify && { notify }) }])
    for (let hours = 0; hours < 8; hours++) {
      const claim = one(await world.queue.claim(1, NONE))
      await world.queue.settle(claim, all(claim, 'deferred', { text: '451 later' }))
      if (hours < 3) expect(world.delivered).toHaveLength(0)
      await world.clock.advance(HOUR)
    }
    expect(world.delivered).toHaveLength(count)
    if (count === 1) {
      expect(world.delivered[0]?.text).toContain('Action: delayed')
      expect(world.delivered[0]?.text).toContain('Will-Retry-Until: ')
    }
    expect(await world.queue.count({ state: 'waiting' })).toBe(1)
  })

  it('keeps a failed recipient while the directory cannot say who its sender is', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test', 'b@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    world.faults.directory = true
    const results = all(claim, 'failed')
    results.set(1, { kind: 'delivered', attempt: { at: 0, ms: 1, status: '2.0.0', text: 'ok' } })
    await world.queue.settle(claim, results)
    expect((await world.queue.list({})).entries.map(({ recipient }) => [recipient.index, recipient.state])).toEqual([
      [0, 'waiting'],
    ])
    world.faults.directory = false
    await world.clock.advance(5 * MINUTE)
    const again = one(await world.queue.claim(1, NONE))
    await world.queue.settle(again, all(again, 'failed'))
    expect(world.delivered).toHaveLength(1)
    expect(await world.keys()).toBe(0)
  })

  it('never keeps a message in the queue because its sender is over quota', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    world.faults.overQuota = true
    await world.queue.settle(claim, all(claim, 'failed'))
    expect(await world.keys()).toBe(0)
    expect(world.delivered).toEqual([])
  })

  it('lets nothing that a remote says become a header field of the report', async () => {
    const world = queueWorld()
    await world.queue.start()
    await world.put(['a@x.test'])
    const claim = one(await world.queue.claim(1, NONE))
    const text = `550 no\r\nBcc: victim@x.test\r\n\r\n--=_x\n${'y'.repeat(5000)}`
    await world.queue.settle(claim, all(claim, 'failed', { text }))
    const report = world.delivered[0]?.text ?? ''
    expect(report).not.toMatch(/^Bcc:/m)
    expect(report.split('\r\n').every((line) => Buffer.byteLength(line) <= 998)).toBe(true)
    expect(report).not.toMatch(/[^\r]\n/)
  })
})
