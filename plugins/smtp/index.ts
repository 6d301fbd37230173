import { listenerPlugin } from './listener-plugin.ts'

/** Takes mail from other servers for our own domains (RFC 5321). No AUTH. */
export const smtp = listenerPlugin({ name: 'smtp', role: 'mx', listen: ['*:25'] })

/** Takes mail from our own users for anywhere (RFC 6409), after AUTH, which is offered under TLS alone. */
export const submission = listenerPlugin({ name: 'submission', role: 'submission', listen: ['*:587', 'tls://*:465'] })

/** Takes mail from a trusted local peer for our own accounts, with one answer for each recipient (RFC 2033). */
export const lmtp = listenerPlugin({ name: 'lmtp', role: 'lmtp', listen: ['127.0.0.1:24'] })
