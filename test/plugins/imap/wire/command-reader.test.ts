import { expect, it } from 'vitest'
import { CommandReader, type ReaderLimits } from '../../../../plugins/imap/wire/command-reader.ts'
import { PeerGone } from '../../../../plugins/imap/wire/octet-input.ts'

const LIMITS: ReaderLimits = {
  lineBytes: 100,
  literalBytes: 50,
  commandBytes: 200,
  literals: 5,
  skipBytes: 1000,
  idleTimeoutMs: 1000,
  stallTimeoutMs: 1000,
}

function readerOf(text: string, size: number, limits: Partial<ReaderLimits> = {}) {
  const octets = Buffer.from(text, 'latin1')
  let at = 0
  let proceeded = 0
  const reader = new CommandReader({
    source: {
      async read() {
        if (at >= octets.length) return undefined
        at += size
        return octets.subarray(at - size, at)
      },
    },
    limits: () => ({ ...LIMITS, ...limits }),
    proceed: async () => {
      proceeded += 1
    },
    takesMessage: ({ name }) => name === 'APPEND',
  })
  return { reader, proceeded: () => proceeded }
}

it('reads the same whatever the pieces are', async () => {
  for (const size of [1, 2, 3, 7, 1000]) {
    const { reader, proceeded } = readerOf('a1 login {5}\r\nalice {6+}\r\nsecret\r\na2 uid fetch 1:* flags\nrest', size)
    const first = await reader.read()
    if (first.kind !== 'command') throw new Error(first.kind)
    expect(first.head).toEqual({ tag: 'a1', name: 'LOGIN' })
    first.args.space()
    expect(first.args.astring()).toBe('alice')
    first.args.space()
    expect(first.args.astring()).toBe('secret')
    first.args.end()
    expect(proceeded()).toBe(1)
    const second = await reader.read()
    if (second.kind !== 'command') throw new Error(second.kind)
    expect(second.head).toEqual({ tag: 'a2', name: 'UID FETCH' })
    await expect(reader.read()).rejects.toThrow(PeerGone)
  }
})

it('takes a message as it comes, and what follows it', async () => {
  const { reader } = readerOf('a APPEND x {10+}\r\n0123456789 {3+}\r\nabc\r\n', 4)
  const first = await reader.read()
  if (first.kind !== 'message') throw new Error(first.kind)
  expect(first.literal.size).toBe(10)
  expect((await first.literal.whole()).toString()).toBe('0123456789')
  const second = await reader.continueAfter(first.head)
  if (second.kind !== 'message') throw new Error(second.kind)
  second.args.space()
  second.args.end()
  expect((await second.literal.whole()).toString()).toBe('abc')
  const end = await reader.continueAfter(first.head)
  if (end.kind !== 'command') throw new Error(end.kind)
  end.args.end()
})

it('refuses what is over a limit, and stays in step', async () => {
  const cases: readonly (readonly [string, object])[] = [
    [`a1 X ${'y'.repeat(120)}\r\n`, { kind: 'refused', tag: 'a1', text: 'Line is too long' }],
    ['a1 X {51}\r\n', { kind: 'refused', tag: 'a1', code: 'TOOBIG' }],
    [`a1 X {51+}\r\n${'y'.repeat(51)} {3+}\r\nabc\r\n`, { kind: 'refused', tag: 'a1', code: 'TOOBIG' }],
    [`a1 X${' {40+}\r\n'.concat('y'.repeat(40)).repeat(6)}\r\n`, { kind: 'refused', tag: 'a1', code: 'TOOBIG' }],
    [`a1 X${' {1+}\r\ny'.repeat(6)}\r\n`, { kind: 'refused', tag: 'a1', code: 'TOOBIG' }],
    ['\r\n', { kind: 'refused', tag: undefined }],
    ['+ x\r\n', { kind: 'refused', tag: undefined }],
  ]
  for (const [text, expected] of cases) {
    const { reader } = readerOf(`${text}a2 NOOP\r\n`, 16)
    expect(await reader.read(), text).toMatchObject(expected)
    expect(await reader.read(), text).toMatchObject({ kind: 'command', head: { tag: 'a2', name: 'NOOP' } })
  }
})

it('ends where the next command cannot be found', async () => {
  expect(await readerOf('a1 X {1001+}\r\nabc', 64).reader.read()).toMatchObject({ kind: 'bye' })
  expect(await readerOf('x'.repeat(1000), 64).reader.read()).toMatchObject({ kind: 'bye' })
})

it('asks for a literal only when it takes it', async () => {
  const { reader, proceeded } = readerOf('a1 X {51}\r\n', 64)
  await reader.read()
  expect(proceeded()).toBe(0)
})
