import { describe, expect, it } from 'vitest'
import type { Figure } from './figure.ts'
import { number, renderReport, renderSections } from './report.ts'
import type { BenchResult, CaseResult, SystemResult } from './result.ts'
import { seriesOf } from './statistics.ts'
import { withResults, withSections } from './write-docs.ts'

const rate: Figure = { key: 'rate', title: 'stored', unit: 'messages/s', better: 'more', bars: [{ floor: 2, goal: 4 }] }

const side = (system: string, ...values: number[]): SystemResult => ({ system, series: { rate: seriesOf(values) } })

const resultOf = (...systems: SystemResult[]): BenchResult => {
  const one: CaseResult = { name: 'x', title: 'two KB', figures: [rate], systems }
  return {
    startedAt: '2026-01-02T03:04:05.000Z',
    seconds: 61,
    runs: 3,
    isQuick: false,
    machine: { processors: '2 × some', system: 'Linux' },
    participants: [{ name: 'ours', title: 'mailserver', durability: 'synced' }],
    absent: [{ name: 'exim', reason: 'no such package' }],
    scenarios: [{ name: 'delivery', about: 'About it.', seconds: 12, cases: [one] }],
  }
}

describe('the report', () => {
  it('puts both numbers, their spread, the ratio and the bar side by side', () => {
    const report = renderReport(resultOf(side('ours', 2900, 3000, 3100), side('postfix', 1000, 1000, 1100)))
    expect(report).toContain(
      '| two KB | 3,000 messages/s ±3 % | postfix 1,000 messages/s ±5 % | 3x | 2, goal 4 **pass** |',
    )
  })

  it('names a peer that could not run, with the reason', () => {
    expect(renderReport(resultOf(side('ours', 1)))).toContain('| exim | not measured | no such package |')
  })

  it('shows what failed, on either side, and no ratio for it', () => {
    const failed: SystemResult = { system: 'postfix', series: {}, fault: 'it | broke' }
    expect(renderReport(resultOf(side('ours', 5), failed))).toContain(
      '| two KB | 5 messages/s | postfix failed: it \\| broke | – | 2, goal 4 |',
    )
    const half: SystemResult = { ...side('ours', 5), fault: 'died' }
    expect(renderReport(resultOf(half, side('postfix', 5)))).toContain('5 messages/s (then failed: died)')
  })

  it('shows ours alone where no peer took part, and a peer alone where we did not', () => {
    expect(renderReport(resultOf(side('ours', 5)))).toContain('| two KB | 5 messages/s | – | – | – |')
    expect(renderReport(resultOf(side('postfix', 5)))).toContain(
      '| two KB | – | postfix 5 messages/s | – | 2, goal 4 |',
    )
  })

  it('says where the load generator may have been what limited', () => {
    const busy: SystemResult = { system: 'ours', series: { rate: seriesOf([5]), clientShare: seriesOf([0.97]) } }
    expect(renderReport(resultOf(busy))).toContain('5 messages/s (client 97 % busy)')
  })

  it('rounds to three digits that count', () => {
    expect([0, 0.01234, 1.234, 12.34, 1234, 1234567].map(number)).toEqual([
      '0',
      '0.0123',
      '1.23',
      '12.3',
      '1,234',
      '1,234,567',
    ])
  })
})

describe('the page', () => {
  const page = 'before\n<!-- results: begin -->\nold\n<!-- results: end -->\nafter\n'

  it('gets its results replaced between the markers, again and again', () => {
    const once = withResults(page, 'new')
    expect(once).toBe('before\n<!-- results: begin -->\n\nnew\n\n<!-- results: end -->\nafter\n')
    expect(withResults(once, 'newer')).toContain('\n\nnewer\n\n')
    expect(withResults(once, 'newer')).not.toContain('new\n')
  })

  it('gets what was measured anew of some scenarios, and keeps the others', () => {
    const all = withResults(page, '#### commits\n\nold\n\n#### delivery\n\nold\n\n#### idle\n\nkept')
    const anew = withSections(all, renderSections(resultOf(side('ours', 3000), side('postfix', 1000))))
    expect(anew).toContain(
      '#### commits\n\nold\n\n#### delivery\n\nAbout it. Measured again 2026-01-02 03:04 UTC, 3 alter',
    )
    expect(anew).toContain('| 3x | 2, goal 4 **pass** |\n\n#### idle\n\nkept\n\n<!-- results: end -->')
    expect(anew.match(/old/g)).toHaveLength(1)
    expect(() => withSections(page, renderSections(resultOf(side('ours', 1))))).toThrow('no results of delivery')
  })

  it('is left alone without them', () => {
    expect(() => withResults('no markers', 'new')).toThrow('no single pair')
    expect(() => withResults(page + page, 'new')).toThrow('no single pair')
  })
})
