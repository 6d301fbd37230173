import { describe, expect, it } from 'vitest'
import { brief, startIntake, transfer } from './support/world.ts'

/** What alice hears when she submits a message with this header. */
async function submitted(header: string): Promise<string> {
  await using world = await startIntake()
  const session = world.open('submission')
  await world.logIn(session, 'alice@example.test')
  const message = Buffer.from(`${header}\r\nSubject: x\r\n\r\nx\r\n`)
  const { answer } = await transfer(session, { from: 'alice@example.test', to: ['x@y.test'], message: [message] })
  return brief(answer)
}

describe('a From field that readers may read in two ways', () => {
  it.each([
    'From: alice@example.test <bob@example.test>',
    'From: <alice@example.test> bob@example.test',
    'From: <alice@example.test> <bob@example.test>',
    'From: <alice@example.test> "bob"@example.test',
    'From: <alice@example.test> bob (x) @ example.test',
    'From: alice@example.test@evil.test',
    'From: alice@example.test\r\n\tbob@example.test',
    'From: alice@example.test\r\nFrom: bob@example.test',
    'From: alice@example.test bob@example.test:;',
    'From: "alice@example.test" <bob@example.test>',
    'From: alice(a <b@x.test> )@example.test, bob@example.test',
  ])('is refused when one of them is somebody else: %j', async (header) => {
    expect(await submitted(header)).toBe('550 5.7.1')
  })

  it.each([
    'From: alice@example.test <alice@example.test>',
    'From: "Alice"alice@example.test',
    'From: "bob@example.test" <alice@example.test>',
    'From: =?utf-8?Q?bob@example.test?= <alice@example.test>',
    'From: alice(bob@example.test)@example.test',
    'From: "alice"@example.test',
    'From: alice @ example.test',
    'From: Alice: alice@example.test;',
    'From: Alice <alice+tag@example.test>, alice@example.test',
    'From: undisclosed:;',
    'From: Älice <alice@example.test>',
  ])('is taken when all are theirs: %j', async (header) => {
    expect(await submitted(header)).toBe('ok')
  })

  it('is read in time that grows with its length alone', async () => {
    const began = performance.now()
    for (const odd of ['"', '(', '\\"', '@', '<', ' @', '"@']) {
      const lines = Array.from({ length: 120 }, () => odd.repeat(400)).join('\r\n ')
      expect(['ok', '550 5.7.1']).toContain(await submitted(`From: ${lines}`))
    }
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})
