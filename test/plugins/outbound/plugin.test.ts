import {
  blobStore,
  type ConfiguredPlugin,
  definePlugin,
  engine,
  intake,
  parseAddress,
  queue,
  secret,
  settled,
} from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { outbound } from '../../../plugins/outbound/index.ts'
import { eventually } from '../../support/peer.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { startScriptedServer } from './scripted-server.ts'

/** A store that outlives the server. */
function lasting(): ConfiguredPlugin {
  const services = { engine: memoryEngine(), blobs: memoryBlobStore() }
  return definePlugin({
    name: 'lasting-storage',
    apiVersion: '^1',
    options: z.object({}),
    provides: { engine, blobs: blobStore },
    setup: () => ({ services }),
  })()
}

const address = (text: string) => {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new Error(`${text} is no address`)
  return parsed
}

async function send(server: TestServer, to: string) {
  const envelope = {
    sender: address('alice@example.test'),
    recipients: [{ address: address(to) }],
    smtpUtf8: false,
    eightBit: false,
    requireTls: false,
  }
  const receipt = await server.service(intake).inject(envelope, Buffer.from('Subject: hello\r\n\r\nhello\r\n'))
  expect(receipt.answer.ok).toBe(true)
}

it('gives back at the end of a drain what it could not finish, and the next server delivers it', async () => {
  await using target = await startScriptedServer({ stallAt: 'mail' })
  const storage = lasting()
  const plugins = [outbound({ smarthost: `smtp://127.0.0.1:${target.port}?tls=none` })]
  const first = await startTestServer({ plugins, storage })
  await send(first, 'bob@far.test')
  await eventually(() => target.commands.some((line) => line.startsWith('MAIL')))
  await first.stop()
  target.behave({})
  await using second = await startTestServer({ plugins, storage })
  await eventually(() => target.taken.length === 1)
  await eventually(async () => (await second.service(queue).count({})) === 0)
})

it('logs in with a secret, and tells plugins how it ended', async () => {
  await using target = await startScriptedServer({ extensions: ['AUTH PLAIN'] })
  process.env.MAILSERVER_TEST_RELAY_PASSWORD = 'hidden'
  const ends: unknown[] = []
  const listener = definePlugin({
    name: 'listener',
    apiVersion: '^1',
    options: z.object({}),
    setup({ hooks }) {
      hooks.on(settled, (attempt) => void ends.push(attempt))
      return undefined
    },
  })
  const auth = { user: 'us', pass: secret.env('MAILSERVER_TEST_RELAY_PASSWORD') }
  const smarthost = { host: '127.0.0.1', port: target.port, tls: 'none' as const, auth }
  await using server = await startTestServer({ plugins: [outbound({ smarthost }), listener()] })
  await send(server, 'bob@far.test')
  await eventually(() => target.taken.length === 1 && ends.length === 1)
  expect(target.commands).toContain(`AUTH PLAIN ${Buffer.from('\0us\0hidden').toString('base64')}`)
  expect(ends).toMatchObject([
    { destination: 'far.test', recipients: ['bob@far.test'], outcome: 'delivered', status: '2.0.0' },
  ])
})

it('does not start with a secret that cannot be read', async () => {
  const auth = { user: 'us', pass: secret.env('MAILSERVER_TEST_NO_SUCH_VARIABLE') }
  const plugins = [outbound({ smarthost: { host: '127.0.0.1', auth } })]
  await expect(startTestServer({ plugins })).rejects.toThrow('MAILSERVER_TEST_NO_SUCH_VARIABLE')
})

it('leaves the queue alone while it is paused', async () => {
  await using target = await startScriptedServer()
  const plugins = [outbound({ smarthost: `smtp://127.0.0.1:${target.port}?tls=none` })]
  await using server = await startTestServer({ plugins })
  const queued = server.service(queue)
  await queued.pause('far.test')
  await send(server, 'bob@far.test')
  await send(server, 'bob@near.test')
  await eventually(() => target.taken.length === 1)
  expect(target.taken[0]?.rcpt[0]).toContain('near.test')
  await queued.resume('far.test')
  await eventually(() => target.taken.length === 2)
})
