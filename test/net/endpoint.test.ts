import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors/user-error.ts'
import { formatEndpoint, parseEndpoint } from '../../src/net/endpoint.ts'

describe('parseEndpoint', () => {
  test.each([
    ['127.0.0.1:2525', { kind: 'tcp', host: '127.0.0.1', port: 2525, tls: false }],
    ['[::1]:25', { kind: 'tcp', host: '::1', port: 25, tls: false }],
    ['*:25', { kind: 'tcp', host: '*', port: 25, tls: false }],
    ['localhost:0', { kind: 'tcp', host: '127.0.0.1', port: 0, tls: false }],
    ['tls://127.0.0.1:2993', { kind: 'tcp', host: '127.0.0.1', port: 2993, tls: true }],
    ['tls://[::]:993', { kind: 'tcp', host: '::', port: 993, tls: true }],
    ['unix:/run/x.sock', { kind: 'unix', path: '/run/x.sock', tls: false }],
    ['tls://unix:/run/x.sock', { kind: 'unix', path: '/run/x.sock', tls: true }],
  ])('reads %s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint)
  })

  test.each(['127.0.0.1:25', '[::1]:0', '*:465', 'tls://[::]:993', 'unix:/run/x.sock', 'tls://unix:/run/x.sock'])(
    'prints %s as it was read',
    (text) => {
      expect(formatEndpoint(parseEndpoint(text))).toBe(text)
    },
  )

  test.each([
    ['', 'it has no port'],
    ['25', 'it has no port'],
    [':25', 'it has no address'],
    ['127.0.0.1', 'it has no port'],
    ['127.0.0.1:', 'nothing is no port'],
    ['127.0.0.1:65536', '65536 is no port'],
    ['127.0.0.1:-1', '-1 is no port'],
    ['127.0.0.1:2 5', 'is no port'],
    ['127.0.0.256:25', 'is no IP address'],
    ['mx.example.test:25', 'mx.example.test is no IP address'],
    ['::1:25', 'stands in brackets'],
    ['[::g]:25', 'is no IPv6 address'],
    ['smtp://127.0.0.1:25', 'is no endpoint'],
    ['unix:x.sock', 'is absolute'],
    ['unix:/a\0b', 'NUL'],
    [`unix:/${'x'.repeat(200)}`, 'bytes at most'],
  ])('refuses %j and says what was expected', (text, why) => {
    expect(() => parseEndpoint(text)).toThrow(UserError)
    expect(() => parseEndpoint(text)).toThrow(why)
    expect(() => parseEndpoint(text)).toThrow("Expected '127.0.0.1:2525'")
  })
})
