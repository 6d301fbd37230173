import { MessageChannel } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/clock.ts'
import { Bus } from '../../src/server/bus.ts'

type Questions = {
  readonly double: { readonly ask: number; readonly answer: number }
  readonly never: { readonly ask: null; readonly answer: null }
}
type News = { readonly heard: string }
type Nothing = Record<never, never>

const open: MessageChannel[] = []
afterEach(() => {
  for (const channel of open.splice(0)) channel.port1.close()
})

function pair() {
  const channel = new MessageChannel()
  open.push(channel)
  const asking = new Bus<Questions, News, Nothing, Nothing>(channel.port1, systemClock)
  const answering = new Bus<Nothing, Nothing, Questions, News>(channel.port2, systemClock)
  return { asking, answering }
}

test('answers come to the question they belong to', async () => {
  const { asking, answering } = pair()
  answering.answer('double', async (value) => {
    await systemClock.sleep(10 - value)
    return value * 2
  })
  expect(await Promise.all([1, 2, 3].map((value) => asking.ask('double', value, 1_000)))).toEqual([2, 4, 6])
})

test('a question that fails, or that nobody answers, fails at the one who asked', async () => {
  const { asking, answering } = pair()
  answering.answer('double', () => {
    throw new Error('not a number')
  })
  await expect(asking.ask('double', 1, 1_000)).rejects.toThrow('not a number')
  await expect(asking.ask('never', null, 1_000)).rejects.toThrow('nobody answers never')
})

test('a question has a time limit, and its late answer is nobody’s', async () => {
  const { asking, answering } = pair()
  answering.answer('double', async (value) => {
    await systemClock.sleep(50)
    return value * 2
  })
  await expect(asking.ask('double', 1, 10)).rejects.toThrow('double: no answer within 10 ms')
  expect(await asking.ask('double', 2, 1_000)).toBe(4)
})

test('when the other side has gone every question fails at once', async () => {
  const { asking, answering } = pair()
  answering.answer('never', () => new Promise<null>(() => {}))
  const waiting = asking.ask('never', null, 60_000)
  asking.close('worker 3 has ended')
  await expect(waiting).rejects.toThrow('worker 3 has ended')
  await expect(asking.ask('double', 1, 1_000)).rejects.toThrow('worker 3 has ended')
})

test('news are told and not answered', async () => {
  const { asking, answering } = pair()
  const heard = new Promise((resolve) => answering.hear('heard', resolve))
  asking.tell('heard', 'it rains')
  expect(await heard).toBe('it rains')
})
