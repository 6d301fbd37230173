import { directory } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { address, brief, PLAIN, startIntake } from './support/world.ts'

const carol = address('carol@example.test')

/** Sends to carol, who is removed while the message is on its way. */
async function sent(more: readonly string[]) {
  const world = await startIntake()
  const people = world.service(directory)
  await people.addAccount({ address: carol }, 'secret')
  const session = world.open()
  await session.mailFrom(address('a@b.test'), PLAIN)
  for (const to of ['carol@example.test', ...more])
    expect(brief(await session.rcptTo({ address: address(to) }))).toBe('ok')
  const source = (async function* () {
    yield Buffer.from('Subject: x\r\n\r\n')
    await people.removeAccount(carol)
    yield Buffer.from('body\r\n')
  })()
  const { id, answer } = await session.receive(source, () => false)
  return { world, id, answer }
}

describe('an account that is removed between RCPT and the end of the message', () => {
  it('gets nothing, and the sender hears so: what nobody can read is not accepted', async () => {
    const { world, answer } = await sent([])
    await using _ = world
    expect(brief(answer)).toBe('550 5.1.1')
    expect(world.blobs.count).toBe(0)
  })

  it('keeps no other recipient from their copy; the sender is told of the one', async () => {
    const { world, id, answer } = await sent(['alice@example.test'])
    await using _ = world
    expect(brief(answer)).toBe('ok')
    expect(await world.messages('alice@example.test')).toHaveLength(1)
    const { events } = await world.journey(id)
    expect(events.map(({ step, text }) => `${step}: ${text}`)).toContainEqual(
      expect.stringMatching(/^report: a@b\.test is told \(failed\)/),
    )
  })
})
