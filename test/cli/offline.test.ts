import { expect, test, vi } from 'vitest'
import { takeLock } from '../../src/control/data-lock.ts'
import { mailProject } from './mail-project.ts'

// Every command is a process of its own, and runs from its sources.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

test('commands that need no server work in the store, and the server finds what they did', async () => {
  await using p = mailProject()
  await p.json(['user', 'add', 'carol@example.test', '--generate'])
  const [users, queue, trace, order] = await Promise.all([
    p.json<{ accounts: { address: string }[] }>(['user', 'list']),
    p.json(['queue', 'list']),
    p.mailserver('trace', 'carol@example.test'),
    p.json(['plugins', 'order']),
  ])
  const addresses = ['alice@example.test', 'bob@example.test', 'carol@example.test']
  expect(users.accounts.map(({ address }) => address).toSorted()).toEqual(addresses)
  expect(queue).toEqual({ entries: [], isComplete: true })
  expect(trace).toMatchObject({ code: 1, stderr: expect.stringContaining('No message is known by carol@example.test') })
  expect(order).toEqual({ hooks: expect.any(Array) })

  await p.json(['start', '--detach'])
  expect((await p.mailserver('user', 'list')).stdout).toContain('carol@example.test')
  await p.json(['stop'])
})

test('a command waits its turn, and gives up when another holds the store for long', async () => {
  await using p = mailProject()
  await p.json(['queue', 'list'])
  const lock = takeLock(p.dataDir, 'command')
  const ran = await p.mailserver('queue', 'list')
  if ('release' in lock) lock.release()
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain(`Process ${process.pid} is at work in ${p.dataDir}`)
})
