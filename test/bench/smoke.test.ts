import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import type { BenchResult } from './result.ts'
import { scenariosFor } from './scenarios.ts'
import { withResults } from './write-docs.ts'

const main = join(import.meta.dirname, 'main.ts')

describeWith(['smtp-source'], 'the benchmark', () => {
  it('delivers to ourselves, and finds sane numbers', { timeout: 90_000 }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mailserver-bench-smoke-'))
    try {
      const json = join(directory, 'result.json')
      const args = ['--quick', '--sut-only', '--no-build', '--scenario', 'delivery/2k-10-reuse', '--json', json]
      const { code, stdout, stderr } = await run(process.execPath, [main, ...args], { timeoutMs: 80_000 })
      expect(code, stderr).toBe(0)
      const result = JSON.parse(readFileSync(json, 'utf8')) as BenchResult
      const [ours] = result.scenarios[0]?.cases[0]?.systems ?? []
      expect(ours?.fault).toBeUndefined()
      expect(ours?.series.rate?.median).toBeGreaterThan(5)
      expect(ours?.series.cpu?.median).toBeGreaterThan(0.01)
      expect(stdout).toMatch(/\| 2 KB, 10 sessions, reused: messages stored \| [\d,.]+ messages\/s \|/)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('says what is wrong with its options, and lists what there is', async () => {
    const { code, stderr } = await run(process.execPath, [main, '--scenario', 'delivery/none'])
    expect(code).toBe(2)
    expect(stderr).toContain('There is no delivery/none: see --list')
    const listed = await run(process.execPath, [main, '--list'])
    expect(listed.code).toBe(0)
    expect(listed.stdout).toContain('imap-read-100k')
  })
})

it('has every scenario and every peer in its page', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/performance.md'), 'utf8')
  const scenarios = scenariosFor([1, 10, 100])
  const peers = scenarios.flatMap((one) => one.peers.map(({ name }) => name)).filter((name) => name !== 'ours-auto')
  const missing = [...scenarios.map(({ name }) => name), ...peers].filter((name) => !page.includes(`\`${name}\``))
  expect(missing).toEqual([])
  expect(withResults(page, 'new')).toContain('new')
})
