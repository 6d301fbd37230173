import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, string | { source: string; types: string; default: string }>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

it('exports each plugin folder, and nothing that is not there', () => {
  const folders = readdirSync(new URL('plugins/', root)).sort()
  const exported = Object.keys(manifest.exports).filter((path) => path.startsWith('./plugins/'))
  expect(exported.map((path) => path.slice('./plugins/'.length)).sort()).toEqual(folders)
  for (const target of Object.values(manifest.exports)) {
    if (typeof target === 'string') continue
    expect(existsSync(new URL(target.source, root)), target.source).toBe(true)
    const stem = target.source.replace(/^\.\//, '').replace(/\.ts$/, '')
    expect(target.types).toBe(`./dist/${stem}.d.ts`)
    expect(target.default).toBe(`./dist/${stem}.js`)
  }
})

it('documents each plugin in a README of its own', () => {
  for (const name of readdirSync(new URL('plugins/', root))) {
    expect(existsSync(new URL(`plugins/${name}/README.md`, root)), `plugins/${name}/README.md`).toBe(true)
  }
})

it('pins every dependency to one version', () => {
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+/)
  }
})

it('has no file whose name says nothing', () => {
  const files = ['src', 'plugins'].flatMap((room) =>
    readdirSync(new URL(`${room}/`, root), { recursive: true }).map(String),
  )
  expect(files.filter((path) => /(?:^|\/)(?:utils?|helpers?|common|misc|tools?|manager)\.ts$/.test(path))).toEqual([])
})
