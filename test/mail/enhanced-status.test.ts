import { expect, it } from 'vitest'
import { explainStatus, parseEnhancedStatus } from '../../src/mail/enhanced-status.ts'

it('reads the status of a reply', () => {
  expect(parseEnhancedStatus('5.1.1')).toEqual({ class: 5, subject: 1, detail: 1 })
  expect(parseEnhancedStatus('550 5.7.26 Unauthenticated')).toEqual({ class: 5, subject: 7, detail: 26 })
  for (const text of ['', '550 no', '3.1.1', '5.1', '10.5.1.1', '550 connect to 5.1.1.1']) {
    expect(parseEnhancedStatus(text)).toBeUndefined()
  }
})

it('says what a status means without a word of SMTP', () => {
  expect(explainStatus('5.1.1')).toBe('There is no mailbox with this address. Please check the spelling.')
  expect(explainStatus('4.2.2')).toMatch(/full/)
  expect(explainStatus('5.7.999')).toBe(explainStatus('5.7.0'))
  expect(explainStatus('5.99.1')).toBe('The message could not be delivered.')
  expect(explainStatus('nonsense')).toBe('The message could not be delivered.')
})
