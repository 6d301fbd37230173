import type { Arguments } from './arguments.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** From and to as they were written; `*` is Infinity. Either may be the larger (RFC 3501 section 9, seq-range). */
export type SequenceRange = readonly [from: number, to: number]
export type SequenceSet = readonly SequenceRange[]

/** What the last search with SAVE has found, `$` (RFC 5182 section 2.1). Compared by identity. */
export const SAVED: SequenceSet = [[0, 0]]

const SET = /[\d:,*]+/y
const RANGE = /^(\d{1,10}|\*)(?::(\d{1,10}|\*))?$/

export function parseSequenceSet(args: Arguments): SequenceSet {
  if (args.knows('SEQUENCE $') && args.skip('$')) return SAVED
  const text = args.match(SET)
  if (text === undefined) throw new SyntaxFault('Sequence set expected')
  return sequenceSetOf(text)
}

/** @throws SyntaxFault when the text is no sequence set */
export function sequenceSetOf(text: string): SequenceSet {
  return text.split(',').map((range): SequenceRange => {
    const match = RANGE.exec(range)
    if (match === null) throw new SyntaxFault('Invalid sequence set')
    const from = sequenceNumber(match[1] as string)
    return [from, match[2] === undefined ? from : sequenceNumber(match[2])]
  })
}

function sequenceNumber(text: string): number {
  if (text === '*') return Number.POSITIVE_INFINITY
  const value = Number(text)
  if (value === 0 || value > 0xffffffff) throw new SyntaxFault('Invalid number in a sequence set')
  return value
}

/** The set as rising, disjoint ranges, with `*` standing for `largest`. */
export function resolveSequenceSet(set: SequenceSet, largest: number): readonly SequenceRange[] {
  const ranges = set
    .map(([from, to]): [number, number] => {
      const a = from === Number.POSITIVE_INFINITY ? largest : from
      const b = to === Number.POSITIVE_INFINITY ? largest : to
      return a <= b ? [a, b] : [b, a]
    })
    .sort((a, b) => a[0] - b[0])
  const merged: [number, number][] = []
  for (const range of ranges) {
    const last = merged.at(-1)
    if (last !== undefined && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1])
    else merged.push(range)
  }
  return merged
}

/** The largest number that the set names; Infinity for `*`. */
export function largestOf(set: SequenceSet): number {
  return set.reduce((largest, [from, to]) => Math.max(largest, from, to), 0)
}

/** Numbers as a set, runs joined, in the order given: `1:3,7`. What COPYUID and VANISHED carry. */
export function formatSequenceSet(numbers: readonly number[]): string {
  let text = ''
  for (let at = 0; at < numbers.length; ) {
    const from = numbers[at] as number
    let to = from
    while (numbers[at + 1] === to + 1) {
      to += 1
      at += 1
    }
    at += 1
    text += `${text === '' ? '' : ','}${from === to ? from : `${from}:${to}`}`
  }
  return text
}
