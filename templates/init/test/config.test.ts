import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import config from '../mailserver.config.ts'

const root = join(import.meta.dirname, '..')

test('the configuration can be used', () => {
  const mailserver = join(root, 'node_modules', '.bin', 'mailserver')
  const checked = JSON.parse(execFileSync(mailserver, ['config', 'check', '--json'], { cwd: root, encoding: 'utf8' }))
  assert.ok(checked.plugins.includes('imap'))
})

test('mail to {{domain}} is ours', () => {
  assert.ok(config.domains.includes('{{domain}}'))
})
