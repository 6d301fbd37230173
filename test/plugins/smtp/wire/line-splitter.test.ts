import { describe, expect, it } from 'vitest'
import { LineSplitter } from '../../../../plugins/smtp/wire/line-splitter.ts'

function split(chunks: readonly string[], maxBytes = 20): string[] {
  const splitter = new LineSplitter(maxBytes)
  const found: string[] = []
  for (const text of chunks) {
    const chunk = Buffer.from(text, 'latin1')
    let at = 0
    for (let next = splitter.next(chunk, at); next !== undefined; next = splitter.next(chunk, at)) {
      at = next.end
      found.push(next.found.kind === 'line' ? next.found.line.toString('latin1') : `!${next.found.kind}`)
      if (next.found.kind === 'bare-newline') return found
    }
  }
  return found
}

describe('LineSplitter', () => {
  it.each([
    [['NOOP\r\n'], ['NOOP']],
    [
      ['NO', 'OP\r', '\nRSET\r\n'],
      ['NOOP', 'RSET'],
    ],
    [['\r\n'], ['']],
    [[...'A\r\nB\r\n'], ['A', 'B']],
  ])('finds the lines of %j', (chunks, lines) => {
    expect(split(chunks)).toEqual(lines)
  })

  it.each([
    ['A\n'],
    ['A\r', 'B'],
    ['A\rB\r\n'],
    ['\n'],
    ['A', '\n'],
    ['A\r\r\n'],
    ['x'.repeat(50), '\n'],
    [`${'x'.repeat(50)}\r`, 'y'],
  ])('refuses the bare line end in %j', (...chunks) => {
    expect(split(chunks).at(-1)).toBe('!bare-newline')
  })

  it('passes over a line that is too long, to its end, and goes on after it', () => {
    const long = 'x'.repeat(21)
    for (let cut = 0; cut <= long.length + 2; cut++) {
      const wire = `${long}\r\nNOOP\r\n`
      expect(split([wire.slice(0, cut), wire.slice(cut)])).toEqual(['!too-long', 'NOOP'])
    }
    expect(split([...`${long}\r\nNOOP\r\n`])).toEqual(['!too-long', 'NOOP'])
    expect(split([`${'x'.repeat(20)}\r\n`])).toEqual(['x'.repeat(20)])
    expect(split([...`${'x'.repeat(20)}\r\n`])).toEqual(['x'.repeat(20)])
  })
})
