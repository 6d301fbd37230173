// A worker thread that listens on a unix socket until it is told to close.
import { parentPort, workerData } from 'node:worker_threads'
import { listeners } from '../../src/net/listeners.ts'
import { startNetHost } from './net-host.ts'

const host = await startNetHost({ dataDir: workerData.dataDir })
await host.service(listeners).listen({
  protocol: 'test',
  endpoints: [`unix:${workerData.path}`],
  limits: { maxConnections: 10, maxPerAddress: 10, handshakeTimeoutMs: 1_000 },
  onConnection: ({ socket }) => void socket.end('older\r\n'),
})
parentPort?.once('message', () => void host.stop())
parentPort?.postMessage('listening')
