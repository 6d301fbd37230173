import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, run, scratch } from '../support/peer.ts'
import { SmtpDialog } from '../support/smtp-dialog.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
// The project's own Node first, as `npx` has it for whoever installs the package.
const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, NODE_OPTIONS: '' }
const MINUTE_MS = 60_000

/** The fenced blocks of the plugin guide that name a file: the page is the source. */
function files(markdown: string): Map<string, string> {
  const blocks = markdown.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)
  return new Map([...blocks].map(([, name, body]) => [name as string, body as string]))
}

async function done(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { cwd, env, timeoutMs: 3 * MINUTE_MS })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
  return stdout
}

const pack = async (directory: string, into: string) => {
  await done('npm', ['pack', '--pack-destination', into], directory)
  return join(into, readdirSync(into).find((name) => name.endsWith('.tgz')) as string)
}

/** A copy of the package's sources, so that packing it rebuilds nothing under the feet of other tests. */
function copySources(into: string): void {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  const wanted = new Set(['src', 'plugins', 'package.json', 'tsconfig.json', 'tsconfig.build.json', ...files])
  wanted.delete('dist')
  for (const name of wanted) cpSync(join(root, name), join(into, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(into, 'node_modules'))
}

describe('a plugin from outside, as docs/plugins.md writes it', () => {
  const guide = files(readFileSync(join(root, 'docs/plugins.md'), 'utf8'))
  const place = scratch('package')
  const operator = join(place.path, 'operator')
  let port: number

  beforeAll(async () => {
    const [sources, ours, theirs, author] = ['sources', 'ours', 'theirs', 'author'].map((name) =>
      join(place.path, name),
    ) as [string, string, string, string]
    for (const directory of [sources, ours, theirs, author, operator]) mkdirSync(directory)
    copySources(sources)
    const server = await pack(sources, ours)

    for (const name of ['package.json', 'tsconfig.json', 'index.ts'])
      writeFileSync(join(author, name), guide.get(name) as string)
    await done('npm', ['i', '--no-save', '--prefer-offline', '--no-audit', '--no-fund', server], author)
    await done(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], author)
    const plugin = await pack(author, theirs)

    port = await freePort()
    writeFileSync(join(operator, 'package.json'), JSON.stringify({ name: 'operator', private: true, type: 'module' }))
    const config = guide.get('mailserver.config.ts') as string
    writeFileSync(join(operator, 'mailserver.config.ts'), config.replace('127.0.0.1:2525', `127.0.0.1:${port}`))
    await done('npm', ['i', '--prefer-offline', '--no-audit', '--no-fund', server, plugin], operator)
    await done('npx', ['mailserver', 'start', '--detach'], operator)
  }, 5 * MINUTE_MS)

  afterAll(async () => {
    await run('npx', ['mailserver', 'stop'], { cwd: operator, env })
    place[Symbol.dispose]()
  })

  it('defers a stranger once, then takes the message, and the journey names it', async () => {
    const attempt = async () => {
      await using dialog = await SmtpDialog.connect(port)
      await dialog.expect(220)
      await dialog.command('EHLO client.example.net', 250)
      await dialog.command('MAIL FROM:<carol@example.net>', 250)
      return await dialog.command('RCPT TO:<alice@example.test>')
    }
    expect(await attempt()).toMatch(/^451 4\.7\.1 Greylisted/)
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    expect(await attempt()).toMatch(/^250 /)
    const journey = await done('npx', ['mailserver', 'trace', 'alice@example.test'], operator)
    expect(journey).toMatch(/greylist.*4\.7\.1 Greylisted/)
  })

  it('shows the plugin with its options', async () => {
    const listed = JSON.parse(await done('npx', ['mailserver', 'plugins', 'list', '--json'], operator)) as {
      name: string
    }[]
    expect(JSON.stringify(listed)).toContain('greylist')
  })
})
