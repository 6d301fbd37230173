import { describe, expect, it } from 'vitest'
import { hopCount } from '../../src/mail/header.ts'
import { all, NONE, one, queueWorld, tick } from './queue-world.ts'

/** Lets an attempt fail. @returns the events of the report's own journey */
async function failedFor(sender: string) {
  const world = queueWorld()
  await world.queue.start()
  const id = await world.put(['a@x.test'], { sender })
  const claim = one(await world.queue.claim(1, NONE))
  await world.queue.settle(claim, all(claim, 'failed'))
  await tick()
  const [, events = []] = [...world.events].find(([of]) => of !== id) ?? []
  return { world, steps: events.map(({ step, text }) => `${step}: ${text}`) }
}

describe('the journey of a report', () => {
  it('says in whose mailbox it is', async () => {
    const { steps } = await failedFor('alice@home.test')
    expect(steps).toEqual([
      'report: a report (failed) about m000001 to alice@home.test',
      'stored: in a mailbox of alice@home.test',
    ])
  })

  it('says for whom it waits', async () => {
    const { steps } = await failedFor('away@home.test')
    expect(steps.slice(1)).toEqual(['stored: in a mailbox of away@home.test', 'queued: for away@far.test'])
  })
})

describe('a report', () => {
  // RFC 5321 section 6.3: whoever counts hops can count only what has a trace field.
  it('has a Received field of its own, below Return-Path in a mailbox', async () => {
    const { world } = await failedFor('alice@home.test')
    const text = world.delivered[0]?.text ?? ''
    expect(text).toMatch(/^Return-Path: <>\r\nReceived: by mx\.home\.test id \S+ for <alice@home\.test>;/)
    expect(hopCount(Buffer.from(text))).toBe(1)
  })

  it('is in the queue under its Message-ID and subject', async () => {
    const { world } = await failedFor('someone@far.test')
    const { message } = one(await world.queue.claim(1, NONE))
    expect(message.messageIdHeader).toBe(`<${message.id}@mx.home.test>`)
    expect(message.subject).toBe('Your message could not be delivered')
  })
})
