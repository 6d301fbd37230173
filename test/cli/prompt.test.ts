import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { mailProject } from './mail-project.ts'

vi.setConfig({ testTimeout: 90_000 })

const bin = join(import.meta.dirname, '..', '..', 'bin', 'run.js')

describeWith(['expect'], 'the password prompt', () => {
  test.each([
    ['shows nothing that is typed, and takes it when it was typed twice', 'correct horse', /Added carol@example\.test/],
    ['changes nothing when the two differ', 'correct house', /The two were not the same/],
  ])('%s', async (_, again, outcome) => {
    await using p = mailProject()
    const script = `
      set timeout 30
      spawn ${process.execPath} --conditions=source ${bin} user add carol@example.test
      expect "Password: "
      send "correct horse\\r"
      expect "again: "
      send "${again}\\r"
      expect eof`
    const ran = await run('expect', ['-c', script], { cwd: p.dir, timeoutMs: 60_000 })
    expect(ran.stdout).toMatch(outcome)
    expect(ran.stdout).not.toContain('correct')
  })
})
