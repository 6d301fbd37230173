import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { initProject } from '../../src/cli/init-project.ts'
import { bytes, relative, span } from '../../src/cli/quantity.ts'
import { startCard } from '../../src/cli/start-card.ts'
import { table } from '../../src/cli/table.ts'
import { run, scratch } from '../support/peer.ts'

const root = join(import.meta.dirname, '..', '..')
const bin = join(root, 'bin', 'run.js')
const mailserver = (...args: string[]) => run(process.execPath, ['--conditions=source', bin, ...args])

describe('the command line', () => {
  test('tells its version in no time', async () => {
    const started = performance.now()
    const ran = await run(process.execPath, [bin, '--version'])
    expect(ran.stdout).toMatch(/^mailserver\/\d+\.\d+\.\d+ /)
    // The budget is 250 ms on an idle machine; tests run beside each other.
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  test.each([
    [['nonsense'], /nonsense is not a mailserver command/],
    [['status', '--nonsense'], /Nonexistent flag: --nonsense/],
    [['trace'], /Missing 1 required arg/],
    [['start', '-c', 'nowhere.config.ts'], /nowhere\.config\.ts cannot be read/, 78],
  ])('%j is wrong usage', async (args, message, code = 2) => {
    const ran = await mailserver(...args)
    expect(ran.code).toBe(code)
    expect(ran.stderr).toMatch(message)
  })

  test('writes no colours into a pipe, on a build machine either', async () => {
    const env = { ...process.env, CI: 'true', COLORTERM: 'truecolor' }
    delete (env as NodeJS.ProcessEnv).FORCE_COLOR
    delete (env as NodeJS.ProcessEnv).NO_COLOR
    const ran = spawnSync(process.execPath, ['--conditions=source', bin, 'nonsense'], { env, encoding: 'utf8' })
    expect(ran.stderr).toContain('nonsense is not a mailserver command')
    expect(ran.stderr).not.toContain('\u001b')
  })

  test('has an example in the help of every command', async () => {
    const commands = join(root, 'src', 'cli', 'commands')
    const files = readdirSync(commands, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(30)
    for (const file of files) {
      const { default: command } = await import(join(commands, file))
      expect(command.summary, file).toMatch(/\.$/)
      expect(command.examples?.length, file).toBeGreaterThan(0)
    }
  })
})

describe('init', () => {
  test('makes a project that names this package, and overwrites nothing', async () => {
    using dir = scratch('init')
    const project = join(dir.path, 'My Mail')
    expect(await initProject(project, 'Bücher.example', root)).toEqual([
      '.gitignore',
      'README.md',
      'mailserver.config.ts',
      'package.json',
      'test/config.test.ts',
      'tsconfig.json',
    ])
    const pjson = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
    expect(pjson.name).toBe('my-mail')
    expect(pjson.dependencies.mailserver).toMatch(/^file:\.\.\//)
    expect(readFileSync(join(project, 'mailserver.config.ts'), 'utf8')).toContain("domains: ['xn--bcher-kva.example']")
    await expect(initProject(project, 'example.org', root)).rejects.toThrow(/has .* already/)
    await expect(initProject(project, 'not a domain', root)).rejects.toMatchObject({ exitCode: 2 })
    writeFileSync(join(dir.path, 'file'), '')
    await expect(initProject(join(dir.path, 'file'), 'example.org', root)).rejects.toThrow(/cannot be written/)
  })
})

describe('what is printed', () => {
  test('is aligned, and cannot move the cursor', () => {
    const rows = [
      { name: 'a\u001b[2Jb\r\n', size: 5 },
      { name: '日本', size: 12345 },
    ]
    const text = table(rows, [
      { title: 'NAME', of: ({ name }) => name },
      { title: 'SIZE', of: ({ size }) => size, align: 'right' },
    ])
    expect(text).toBe('NAME   SIZE\nab        5\n日本  12345')
  })

  test('has quantities a person can read', () => {
    expect([0, 1023, 1536, 150 * 1024, 5 * 1024 ** 3].map(bytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KB',
      '150 KB',
      '5.0 GB',
    ])
    expect([12, 5_000, 65_000, 3_600_000, 90_061_000].map(span)).toEqual(['12 ms', '5s', '1m 5s', '1h', '1d 1h'])
    expect(relative(61_000, 1_000)).toBe('in 1m')
    expect(relative(0, 60_000)).toBe('1m ago')
  })

  test('a password with a quote survives the shell in the commands of the card', async () => {
    const listeners = [
      { protocol: 'submission', address: '0.0.0.0:587', tls: false, connections: 0 },
      { protocol: 'imap', address: '[::]:993', tls: true, connections: 0 },
    ]
    const status = { listeners, certificate: null } as never
    const card = startCard(status, ["o'neil@example.test"], { "o'neil@example.test": `a'b$c"d` })
    const printed = await run('sh', ['-c', `curl() { printf '%s\n' "$@"; }; ${card.read}`])
    expect(printed.stdout.split('\n')).toEqual(expect.arrayContaining([`o'neil@example.test:a'b$c"d`]))
    expect(printed.stdout).toContain('imaps://127.0.0.1:993/INBOX;MAILINDEX=*')
    expect(card.send).toContain('--ssl-reqd smtp://127.0.0.1:587')
  })
})
