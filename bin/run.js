#!/usr/bin/env node
// Runs under any Node.js that knows ES modules, so that an old one gets a clear answer instead of a syntax error.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const MIN_NODE = 24
/** Password hashes and file syncs run on libuv's pool, which is sized when it is first used. */
const MIN_THREADS = 8
/** V8 collects and compiles in threads of its own, four unless it is told; on few processors they push aside what answers. */
const V8_THREADS = Math.max(1, Math.min(4, availableParallelism() - 1))

const here = fileURLToPath(import.meta.url)
const root = dirname(dirname(here))
const args = process.argv.slice(2)

if (Number.parseInt(process.versions.node, 10) < MIN_NODE) runUnderOwnNode()
// Not awaited: who closes the pipe that is written to ends it in the middle.
else void run()

async function run() {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-v')) {
    process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
    return
  }
  // Colour libraries take CI=true for a terminal. Output that goes to a file or a pipe has no escape sequences.
  const isPiped = !process.stdout.isTTY || !process.stderr.isTTY
  if (isPiped && process.env.FORCE_COLOR === undefined) process.env.NO_COLOR ??= '1'
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 0)
  if (!(threads >= MIN_THREADS)) process.env.UV_THREADPOOL_SIZE = String(MIN_THREADS)
  const asked = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)]
  const isSourceAsked = asked.some((arg) => arg === '--conditions=source' || arg === '-C=source')
  // A checkout that was not built: the package's own name must lead to the sources as well.
  const isSource = isSourceAsked || !existsSync(join(root, 'dist', 'src', 'cli', 'run.js'))
  const isServer = args[0] === 'start' || args[0] === 'restart'
  const isPoolSized = asked.some((arg) => arg.startsWith('--v8-pool-size'))
  const options = [...process.execArgv]
  if (isSource && !isSourceAsked) options.push('--conditions=source')
  if (isServer && !isPoolSized && canBeginAnew()) options.push(`--v8-pool-size=${V8_THREADS}`)
  if (options.length > process.execArgv.length) return runUnder(process.execPath, options)
  module.enableCompileCache()
  const { runCli } = isSource ? await import('../src/cli/run.ts') : await import('../dist/src/cli/run.js')
  await runCli(root, args, { isSource })
}

function runUnderOwnNode() {
  const own = ownNode()
  if (own === undefined) {
    process.stderr.write(
      `mailserver needs Node.js ${MIN_NODE} or newer, and this is ${process.version}.\n` +
        `Install a newer one from https://nodejs.org, or put one beside mailserver: npm install node@${MIN_NODE}\n`,
    )
    process.exitCode = 1
    return
  }
  runUnder(own, process.execArgv)
}

/** The `node` package of npm, when the project of this package has it. */
function ownNode() {
  for (const base of [here, join(process.cwd(), 'package.json')]) {
    try {
      const directory = dirname(module.createRequire(base).resolve('node/package.json'))
      const path = join(directory, 'bin', 'node')
      if (existsSync(path)) return path
    } catch {
      // Not installed there.
    }
  }
  return undefined
}

/** The process can be its own successor. A parent that talks to it by IPC would not be heard by that one. */
function canBeginAnew() {
  return process.execve !== undefined && process.channel === undefined
}

/**
 * Runs this file once more under another node or with other options: in this process where that can be, otherwise in one
 * below it, to which it passes signals and from which it takes the exit code.
 */
function runUnder(node, options) {
  if (canBeginAnew()) process.execve(node, [node, ...options, here, ...args], process.env)
  const child = spawn(node, [...options, here, ...args], { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const pass = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, pass)
  child.on('error', (error) => {
    process.stderr.write(`${node} cannot be run: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    for (const name of signals) process.off(name, pass)
    if (signal === null) process.exitCode = code ?? 1
    else process.kill(process.pid, signal)
  })
}
