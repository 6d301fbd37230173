import { expect, it } from 'vitest'
import { roomOf, selfTimes } from './profile.ts'

it('finds the room or the package of a function', () => {
  expect(roomOf('file:///x/dist/src/intake/receive.js', 'receive')).toBe('src/intake')
  expect(roomOf('file:///x/dist/plugins/smtp/wire/a.js', 'a')).toBe('plugins/smtp')
  expect(roomOf('file:///x/node_modules/smtp-server/lib/a.js', 'a')).toBe('smtp-server')
  expect(roomOf('file:///x/node_modules/a/node_modules/@b/c/d.js', 'd')).toBe('@b/c')
  expect(roomOf('node:net', 'write')).toBe('node:net')
  expect(roomOf('', '(garbage collector)')).toBe('(garbage collector)')
  expect(roomOf('', 'writev')).toBe('native code')
})

it('adds up what each function took itself, and leaves out waiting and what came before', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 6 })
  const profiles = [
    {
      nodes: [
        { id: 1, callFrame: frame('(idle)') },
        { id: 2, callFrame: frame('work', 'file:///x/dist/src/mail/a.js') },
      ],
      samples: [2, 1, 2, 1],
      timeDeltas: [0, 2000, 50_000, 1000],
      startTime: 1_000_000,
    },
  ]
  const { functions, rooms, totalMs } = selfTimes(profiles, 1_000_000)
  expect([...functions]).toEqual([['work src/mail/a.js:7', 3]])
  expect([...rooms]).toEqual([['src/mail', 3]])
  expect(totalMs).toBe(3)
  expect(selfTimes(profiles, 1_010_000).totalMs).toBe(1)
})
