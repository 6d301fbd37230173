import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { crashMessage, crashNumber, isWhole } from '../../src/cli/doctor/crash-message.ts'
import { mailProject } from './mail-project.ts'

interface Examined {
  readonly ok: boolean
  readonly findings: readonly { readonly check: string; readonly state: string; readonly text: string }[]
  readonly rounds: readonly {
    readonly acknowledged: number
    readonly stored: number
    readonly lost: readonly number[]
  }[]
}

describe('doctor', () => {
  test('says what is good and what is not, with no server and beside one', async () => {
    await using project = mailProject()
    const { ok, findings } = await project.json<Examined>(['doctor'], 1)
    expect(ok).toBe(false)
    const states = Object.fromEntries(findings.map(({ check, state }) => [check, state]))
    expect(states).toMatchObject({ configuration: 'good', ports: 'good', store: 'good', DNS: 'failed' })
    expect(states).toMatchObject({ certificate: 'warning', 'data directory': 'good' })
    const text = await project.mailserver('doctor')
    expect(text.code).toBe(1)
    expect(text.stdout).toMatch(/failed +DNS: 127\.0\.0\.1:1 gives no answer/)
    const server = await project.foreground()
    const beside = await project.json<Examined>(['doctor'], 1)
    expect(beside.findings.find(({ check }) => check === 'ports')?.text).toContain(`process ${server.process.pid}`)
    expect(beside.findings.find(({ check }) => check === 'store')?.state).toBe('good')
  }, 120_000)

  test('names a config that is wrong, with its exit code', async () => {
    await using project = mailProject()
    project.configure('  hostnam: 1,\n')
    const ran = await project.mailserver('doctor')
    expect(ran.code).toBe(78)
    expect(ran.stderr).toContain('hostnam')
  })

  test('kills a server in mid-traffic and finds every acknowledged message once', async () => {
    await using project = mailProject()
    const { ok, rounds } = await project.json<Examined>(['doctor', '--crash-test', '--rounds', '2'])
    expect(ok).toBe(true)
    expect(rounds).toHaveLength(2)
    for (const { acknowledged, stored, lost } of rounds) {
      expect(stored).toBeGreaterThanOrEqual(acknowledged)
      expect(lost).toEqual([])
    }
    expect(rounds[1]?.acknowledged).toBeGreaterThanOrEqual(40)
    expect(readdirSync(project.dataDir).filter((name) => name.startsWith('crash-test'))).toEqual([])
  }, 180_000)

  test('says what is lost, fails and keeps it, when a storage acknowledges what it drops', async () => {
    await using project = mailProject()
    const file = join(project.dir, 'mailserver.config.ts')
    const forgetful = `import { definePlugin, engine } from 'mailserver'
import { z } from '${import.meta.resolve('zod')}'
const forgetful = definePlugin({
  name: 'forgetful', apiVersion: '^1', options: z.object({}), wraps: { engine },
  setup({ services }) {
    let count = 0
    const transact = async (scopes, fn) => {
      let result
      const work = async (tx) => {
        result = await fn(tx)
        if (scopes.some((scope) => scope.startsWith('account:')) && ++count % 25 === 0) throw forgetful
        return result
      }
      return services.engine.transact(scopes, work).catch((error) => error === forgetful ? result : Promise.reject(error))
    }
    const methods = ['get', 'getMany', 'scan', 'snapshot', 'transactRelaxed', 'watch', 'publish', 'lease']
    const others = methods.map((name) => [name, services.engine[name].bind(services.engine)])
    return { services: { engine: { ...Object.fromEntries(others), transact } } }
  },
})
`
    writeFileSync(file, forgetful + readFileSync(file, 'utf8').replace('level(),', 'level(), forgetful(),'))
    const { ok, rounds } = await project.json<Examined>(['doctor', '--crash-test'], 1)
    expect(ok).toBe(false)
    expect(rounds).toHaveLength(1)
    expect(rounds[0]?.lost.length).toBeGreaterThan(0)
    expect(readdirSync(project.dataDir).some((name) => name.startsWith('crash-test'))).toBe(true)
  }, 120_000)
})

describe('a message of the crash test', () => {
  test('is known by its number behind what a server puts before it, and a changed octet shows', () => {
    for (const number of [1, 3, 7]) {
      const message = crashMessage(number)
      const stored = Buffer.concat([Buffer.from('Received: from x\r\n by y\r\n'), message])
      expect(crashNumber(stored)).toBe(number)
      expect(isWhole(stored, number)).toBe(true)
      stored.writeUInt8(stored.readUInt8(stored.length - 9) ^ 1, stored.length - 9)
      expect(isWhole(stored, number)).toBe(false)
      expect(isWhole(message.subarray(0, -2), number)).toBe(false)
      expect(message.toString()).not.toMatch(/^\./m)
    }
    expect(crashNumber(Buffer.from('Subject: something else\r\n\r\n'))).toBeUndefined()
  })
})
