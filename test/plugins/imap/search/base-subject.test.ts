import { expect, it } from 'vitest'
import { baseSubject } from '../../../../plugins/imap/search/base-subject.ts'

it.each([
  ['Hello', 'Hello', false],
  ['Re: Hello', 'Hello', true],
  ['RE:hello', 'hello', true],
  ['Fwd:  Re : Hello ', 'Hello', true],
  ['fw: [list] Hello', 'Hello', true],
  ['[list] Re: Hello', 'Hello', true],
  ['[list] [other] Hello', 'Hello', false],
  ['Re[2]: Hello', 'Hello', true],
  ['Hello (fwd)', 'Hello', true],
  ['Hello (fwd) (FWD) ', 'Hello', true],
  ['[Fwd: Re: Hello]', 'Hello', true],
  ['[list]', '[list]', false],
  ['Re: [list]', '[list]', true],
  ['Regarding: Hello', 'Regarding: Hello', false],
  ['', '', false],
  ['Re:', '', true],
  ['a\tb   c', 'a b c', false],
])('%j is %j (RFC 5256 section 2.1)', (subject, text, isReply) => {
  expect(baseSubject(subject)).toEqual({ text, isReply })
})

it('takes no time for what is made to take it', () => {
  const began = performance.now()
  for (const odd of ['re:', '[', '[]', '[a] ', '(fwd)', '[fwd:', 're[']) baseSubject(odd.repeat(50_000))
  expect(performance.now() - began).toBeLessThan(1_000)
})
