import { describe, expect, it } from 'vitest'
import { type Handler, Handlers } from '../../src/kernel/handlers.ts'
import { defineHook, type Stage } from '../../src/kernel/hook.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createHookRunner } from '../../src/kernel/run-hooks.ts'
import { accept, defer, discard, reject, type Verdict } from '../../src/kernel/verdict.ts'

const check = defineHook.verdict<string>('test:check')
const ask = defineHook.resolve<string, number>('test:ask')
const shape = defineHook.transform<string[], string>('test:shape')
const tell = defineHook.notify<string>('test:tell')

function setUp(continueOnError: string[] = []) {
  const handlers = new Handlers()
  const add = (
    hook: Parameters<Handlers['add']>[0],
    plugin: string,
    handle: Handler['handle'],
    extra: Partial<Handler> = {},
  ) => handlers.add(hook, { plugin, stage: 'policy' as Stage, order: 'normal', timeoutMs: 1000, handle, ...extra })
  const run = createHookRunner({ handlers, log: silentLog, continueOnError: new Set(continueOnError) })
  return { add, run, handlers }
}

describe('a verdict hook', () => {
  it('accepts when nobody has an opinion', async () => {
    const { add, run } = setUp()
    add(check, 'a', () => undefined)
    expect((await run.verdict(check, 'x')).verdict).toEqual(accept())
  })

  it('takes the strictest opinion, whatever the order', async () => {
    const { add, run } = setUp()
    for (const verdict of [discard('d'), reject('5.7.1', 'no'), defer('4.7.1', 'later')] as Verdict[]) {
      add(check, verdict.action, () => verdict)
    }
    expect((await run.verdict(check, 'x')).verdict).toMatchObject({ action: 'reject', code: '5.7.1' })
  })

  it('runs stages in order and stops after one that defers', async () => {
    const { add, run } = setUp()
    const ran: string[] = []
    add(check, 'late', () => void ran.push('late'), { stage: 'late' })
    add(
      check,
      'scan',
      () => {
        ran.push('scan')
        return defer('4.0.0', 'later')
      },
      { stage: 'scan' },
    )
    add(check, 'early', () => void ran.push('early'), { stage: 'early' })
    await run.verdict(check, 'x')
    expect(ran).toEqual(['early', 'scan'])
  })

  it('runs the handlers of one stage at the same time', async () => {
    const { add, run } = setUp()
    const { promise, resolve } = Promise.withResolvers<void>()
    add(check, 'waits', () => promise.then(() => accept({ note: 'met' })))
    add(check, 'frees', () => void resolve())
    expect((await run.verdict(check, 'x')).verdict).toEqual(accept())
  })

  it('counts a handler that throws as a defer, and names it', async () => {
    const { add, run } = setUp()
    add(check, 'broken', () => {
      throw new Error('out of order')
    })
    const { verdict, outcomes } = await run.verdict(check, 'x')
    expect(verdict).toMatchObject({ action: 'defer', code: '4.3.0' })
    expect(outcomes).toEqual([expect.objectContaining({ plugin: 'broken', fault: 'out of order' })])
  })

  it('counts a handler that hangs as a defer, and tells it by its signal', async () => {
    const { add, run } = setUp()
    let told: unknown
    const hang = (_input: unknown, signal: unknown) =>
      new Promise(() =>
        (signal as AbortSignal).addEventListener('abort', () => {
          told = (signal as AbortSignal).reason
        }),
      )
    add(check, 'slow', hang, { timeoutMs: 20 })
    expect((await run.verdict(check, 'x')).verdict).toMatchObject({ action: 'defer' })
    expect(String(told)).toContain('no answer within 20 ms')
  })

  it('goes on without a plugin that the operator lets fail', async () => {
    const { add, run } = setUp(['broken'])
    add(check, 'broken', () => Promise.reject(new Error('down')))
    expect((await run.verdict(check, 'x')).verdict).toEqual(accept())
  })
})

describe('a resolve hook', () => {
  it('takes the first answer and asks nobody after it', async () => {
    const { add, run } = setUp()
    add(ask, 'none', () => undefined)
    add(ask, 'first', () => 1)
    add(ask, 'second', () => {
      throw new Error('not to be asked')
    })
    expect(await run.resolve(ask, 'x')).toBe(1)
  })

  it('fails the question when a handler throws before an answer', async () => {
    const { add, run } = setUp()
    add(ask, 'broken', () => Promise.reject(new Error('down')))
    add(ask, 'fine', () => 1)
    await expect(run.resolve(ask, 'x')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('a transform hook', () => {
  it('hands each handler what the one before returned, pre and post around the others', async () => {
    const { add, run } = setUp()
    const append = (name: string) => (value: unknown) => [...(value as string[]), name]
    add(shape, 'c', append('c'), { order: 'post' })
    add(shape, 'b', append('b'))
    add(shape, 'a', append('a'), { order: 'pre' })
    expect(await run.transform(shape, [], 'ctx')).toEqual(['a', 'b', 'c'])
  })

  it('uses nothing half transformed', async () => {
    const { add, run } = setUp()
    add(shape, 'one', (value) => [...(value as string[]), 'one'])
    add(shape, 'broken', () => Promise.reject(new Error('down')))
    await expect(run.transform(shape, [], 'ctx')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('a notify hook', () => {
  it('tells everybody, also when one throws', async () => {
    const { add, run } = setUp()
    const told: string[] = []
    add(tell, 'broken', () => Promise.reject(new Error('deaf')))
    add(tell, 'listens', (input) => void told.push(input as string))
    await run.notify(tell, 'news')
    expect(told).toEqual(['news'])
  })
})

it('refuses registration after setup', () => {
  const { add, handlers } = setUp()
  handlers.freeze()
  expect(() => add(check, 'late-comer', () => undefined)).toThrow(/late-comer registers on test:check after setup/)
})
