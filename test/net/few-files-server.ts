// A server that a test runs with few file descriptors. It prints its port, its warnings, and each second the
// milliseconds of CPU that it has used.
import type { Log } from '../../src/kernel/log.ts'
import { listeners } from '../../src/net/listeners.ts'
import { startNetHost } from './net-host.ts'

const say = (line: string) => void process.stdout.write(`${line}\n`)
const log: Log = {
  trace() {},
  debug() {},
  info() {},
  warn: (_, message) => say(`warn ${message}`),
  error: (_, message) => say(`error ${message}`),
  child: () => log,
}
const host = await startNetHost({ dataDir: process.argv[2] as string, log })
const opened = await host.service(listeners).listen({
  protocol: 'test',
  endpoints: ['127.0.0.1:0'],
  limits: { maxConnections: 1000, maxPerAddress: 1000, handshakeTimeoutMs: 1000 },
  onConnection: ({ socket }) => {
    socket.resume()
    socket.write('hello\r\n')
  },
})
say(`port ${opened.endpoints[0]?.port}`)
setInterval(() => {
  const { user, system } = process.cpuUsage()
  say(`cpu ${Math.round((user + system) / 1000)} connections ${opened.connections}`)
}, 250)
process.on('SIGTERM', () => process.exit(0))
