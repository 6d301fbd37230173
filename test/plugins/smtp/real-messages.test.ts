import { describe, expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { realMessages, stuffed } from './support/real-messages.ts'
import { belowTrace, startWorld } from './support/world.ts'

const messages = realMessages()

describe.skipIf(messages === undefined)('real messages', () => {
  it('are kept byte for byte, but one that has a NUL, which is refused', async () => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('smtp'))
    await client.say('EHLO c')
    const taken: Buffer[] = []
    for (const { name, bytes } of messages ?? []) {
      const answer = await client.send('a@b.test', ['alice@example.test'], stuffed(bytes))
      if (bytes.includes(0)) {
        expect(answer, name).toMatch(/^554 5\.6\.0 /)
      } else {
        expect(answer, name).toMatch(/^250 /)
        taken.push(bytes)
      }
    }
    const stored = (await world.messages('alice@example.test')).map(belowTrace)
    expect(stored).toHaveLength(taken.length)
    for (const [at, bytes] of taken.entries()) expect(stored[at]?.equals(bytes), messages?.[at]?.name).toBe(true)
  })
})
