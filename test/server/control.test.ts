import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { eventually } from '../support/peer.ts'
import { control, EchoClient, world } from './test-server.ts'

test('metrics of all workers are added up', async () => {
  await using w = await world()
  w.configure({ config: 'workers: 2' })
  const server = await w.start()
  for (let at = 0; at < 6; at++) {
    using client = await EchoClient.open(w.port)
    await client.say('x')
  }
  const { text } = await control(server, 'GET', '/metrics')
  const counts = [...text.matchAll(/^mailserver_echo_lines_total\{worker="\d"\} (\d+)$/gm)].map(([, count]) =>
    Number(count),
  )
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(6)
  expect(text).toContain('process_cpu_seconds_total')
})

test('sessions of all workers are listed', async () => {
  await using w = await world()
  w.configure({ config: 'workers: 2' })
  const server = await w.start()
  const clients = await Promise.all(Array.from({ length: 8 }, () => EchoClient.open(w.port)))
  await Promise.all(clients.map((client) => client.say('x')))
  const list = async (query: string) => JSON.parse((await control(server, 'GET', `/sessions${query}`)).text)
  expect(await list('')).toMatchObject({ total: 8 })
  expect((await list('?protocol=echo&limit=3')).sessions).toHaveLength(3)
  expect(await list('?protocol=imap')).toEqual({ sessions: [], total: 0 })
  for (const client of clients) client[Symbol.dispose]()
})

test('plugins are shown with their options, without secrets', async () => {
  await using w = await world()
  w.configure({ echo: { apiToken: 'hunter2' } })
  const server = await w.start()
  const shown = JSON.parse((await control(server, 'GET', '/plugins/echo')).text)
  expect(shown).toMatchObject({
    name: 'echo',
    version: '1.0.0',
    options: { greeting: 'hello', apiToken: '[redacted]' },
  })
  const order = JSON.parse((await control(server, 'GET', '/plugins')).text)
  expect(order.plugins.map(({ name }: { name: string }) => name)).toEqual(['net', 'echo'])
  expect((await control(server, 'GET', '/config')).text).not.toContain('hunter2')
})

test.each([
  ['an operation that is none', 'GET', '/nothing', undefined, 404, /there is no GET \/nothing/],
  ['a plugin that is not there', 'GET', '/plugins/x', undefined, 404, /there is no plugin x/],
  [
    'a service that nobody provides',
    'GET',
    '/accounts',
    undefined,
    503,
    /no plugin of the config provides core:directory/,
  ],
  ['an address that is none', 'GET', '/accounts/alice', undefined, 400, /expected an address/],
  ['an unknown field', 'POST', '/stop', { now: true }, 400, /there is no option now/],
  ['a change of the whole queue that is not said to be meant', 'POST', '/queue/remove', {}, 400, /all: true/],
])('%s gets an error that says so', async (_, method, url, body, status, message) => {
  await using w = await world()
  const answer = await control(await w.start(), method, url, body)
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.text).error.message).toMatch(message)
})

test('the API describes itself', async () => {
  await using w = await world()
  const document = JSON.parse((await control(await w.start(), 'GET', '/openapi.json')).text)
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/status', '/reload', '/queue/bounce', '/accounts/{address}', '/journeys', '/events']),
  )
  expect(document.paths['/accounts/{address}'].get.parameters).toEqual([
    { name: 'address', in: 'path', required: true, schema: expect.objectContaining({ type: 'string' }) },
  ])
})

test('the live feed tells of a crash while it is read', async () => {
  await using w = await world()
  const server = await w.start()
  let received = ''
  const feed = request({ socketPath: server.socketPath, path: '/events' }, (answer) => {
    answer.on('data', (chunk) => {
      received += chunk
    })
  })
  feed.on('error', () => {})
  feed.end()
  await new Promise((resolve) => feed.once('response', resolve))
  using client = await EchoClient.open(w.port)
  await client.say('crash')
  await eventually(() => received.includes('event: worker-crashed') && received.includes('event: worker-replaced'))
  feed.destroy()
})

test('the log is JSON, says which worker and session, and has no credential in it', async () => {
  await using w = await world()
  await w.start()
  using client = await EchoClient.open(w.port)
  await client.say('x')
  const lines = await eventually(() => w.log().includes('opened') && w.log().trim().split('\n'))
  const opened = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'opened')
  expect(opened).toMatchObject({
    level: 'info',
    worker: 0,
    plugin: 'echo',
    session: expect.any(String),
    password: '[redacted]',
    auth: { pass: '[redacted]' },
  })
  expect(readFileSync(`${w.dir}/server.log`, 'utf8')).not.toContain('hunter2')
})
