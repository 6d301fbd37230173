import { expect, it } from 'vitest'
import { firstMessageId, makeMessageId, messageIds } from '../../src/mail/message-id.ts'

it('makes identifiers with one pair of brackets, never the same twice', () => {
  const ids = new Set(Array.from({ length: 100 }, () => makeMessageId('mx.example.test')))
  expect(ids.size).toBe(100)
  for (const id of ids) expect(id).toMatch(/^<[0-9a-f]{32}@mx\.example\.test>$/)
  expect(makeMessageId('mx.example.test', '<a\r\nb@c>')).toBe('<abc@mx.example.test>')
})

it('finds identifiers in fields', () => {
  expect(firstMessageId('<<a@b>>')).toBe('<a@b>')
  expect(firstMessageId('(comment) <a@b> <c@d>')).toBe('<a@b>')
  expect(firstMessageId('a@b')).toBeUndefined()
  expect(messageIds('<a@b>\r\n\t<c@d><e@f> nonsense')).toEqual(['<a@b>', '<c@d>', '<e@f>'])
  expect(messageIds('<a@b>'.repeat(5000)).length).toBe(1000)
})
