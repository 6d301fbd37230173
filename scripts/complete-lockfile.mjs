#!/usr/bin/env node
// Adds the optional platform packages that a partial registry mirror lacks to package-lock.json.
//
// npm leaves an optional dependency out of the lock file when the registry answers 404 for it, and
// `npm ci` then refuses the lock file as out of sync. The entries added here name the version that
// the parent pins, and the platform by the package's name, so every other platform skips them.
// Run it after each `npm install` against such a mirror.
import { readFileSync, writeFileSync } from 'node:fs'

const OPERATING_SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'win32', 'openharmony']
const PROCESSORS = ['arm64', 'x64', 'arm', 'ppc64', 'riscv64', 's390x', 'ia32']

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const packages = lock.packages
let added = 0

for (const [path, entry] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`
    const hoisted = `node_modules/${name}`
    if (packages[nested] || packages[hoisted]) continue
    const words = name.replace(/^@[^/]*\//, '').split('-')
    const os = OPERATING_SYSTEMS.filter((word) => words.includes(word))
    const cpu = PROCESSORS.filter((word) => words.includes(word))
    if (os.length === 0 || cpu.length === 0) {
      console.error(`${name}@${version} (of ${path}) is missing and its name tells no platform`)
      process.exitCode = 1
      continue
    }
    const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : undefined
    packages[hoisted] = {
      version,
      cpu,
      ...(entry.dev && { dev: true }),
      ...(libc && { libc }),
      optional: true,
      os,
    }
    added += 1
  }
}

lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} platform packages added to package-lock.json`)
