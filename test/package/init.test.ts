import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { accepts, eventually, freePorts, run, scratch } from '../support/peer.ts'

const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, NODE_OPTIONS: '' }

it('makes a repository in which npm test and npm start work', async () => {
  using place = scratch('init')
  const directory = join(place.path, 'my-mail')
  const made = await run(process.execPath, [bin, 'init', directory, '--domain', 'example.test'], {
    env,
    timeoutMs: 180_000,
  })
  expect(made.code, made.stdout + made.stderr).toBe(0)
  expect(made.stdout).toContain(`cd ${directory} && npm start`)

  const file = join(directory, 'mailserver.config.ts')
  const written = readFileSync(file, 'utf8')
  const ports = await freePorts(...Array.from(written.matchAll(/127\.0\.0\.1:(\d+)/g), ([, port]) => port as string))
  const config = written.replaceAll(/127\.0\.0\.1:(\d+)/g, (_, port: string) => `127.0.0.1:${ports[port]}`)
  writeFileSync(file, config)

  for (const script of ['test', 'check']) {
    const ran = await run('npm', ['run', script], { cwd: directory, env, timeoutMs: 60_000 })
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
  }

  const server = spawn('npm', ['start'], {
    cwd: directory,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  server.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  await eventually(() => printed.includes('Read it:'), 30_000)
  for (const port of Object.values(ports)) expect(await accepts(port)).toBe(true)
  expect(printed).toMatch(/alice@example\.test +\S{20,}/)

  const stopped = await run('npx', ['mailserver', 'stop'], { cwd: directory, env })
  expect(stopped.code, stopped.stderr).toBe(0)
  if (server.exitCode === null) await once(server, 'exit')
  expect(server.exitCode).toBe(0)
}, 300_000)
