import { existsSync, readdirSync, type Stats, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { bytes } from '../quantity.ts'
import { diskOf } from './crash-storage.ts'
import { type Finding, failed, good, warning } from './finding.ts'

const LOW_BYTES = 1024 ** 3
const LOW_SHARE = 0.05
/** Names of files that hold a secret, wherever they lie in the data directory's first level. */
const SECRET_FILE = /password|\.key$|\.pem$|secret/

/** Room where mail is kept. */
export function checkDisk(config: ResolvedConfig): readonly Finding[] {
  return [...new Set([config.dataDir, diskOf(config)])].map((directory) => {
    const { bavail, blocks, bsize, files, ffree } = statfsSync(existing(directory))
    const free = bavail * bsize
    const text = `${directory}: ${bytes(free)} free of ${bytes(blocks * bsize)}`
    if (files > 0 && ffree < 1_000) return failed('disk', `${text}, and only ${ffree} inodes`, 'Remove files there')
    if (free < LOW_BYTES / 10) return failed('disk', text, 'Make room: mail is put off when the disk is full')
    if (free < LOW_BYTES || free < blocks * bsize * LOW_SHARE) return warning('disk', text, 'Make room soon')
    return good('disk', text)
  })
}

/** Nobody else on the machine may read mail or passwords, nor write the config. */
export function checkModes(config: ResolvedConfig): readonly Finding[] {
  const { file, dataDir } = config
  const findings: Finding[] = []
  if ((statSync(file).mode & 0o002) !== 0) {
    findings.push(failed('file modes', `${file} can be written by everybody`, `chmod o-w ${file}`))
  }
  if (!existsSync(dataDir)) {
    return [...findings, good('data directory', `${dataDir} is made at the first start`)]
  }
  const own = statSync(dataDir)
  const us = process.getuid?.()
  if (us !== undefined && us !== 0 && own.uid !== us) {
    findings.push(failed('data directory', `${dataDir} belongs to user ${own.uid}`, 'Run mailserver as that user'))
  }
  for (const [path, { mode }] of [[dataDir, own] as const, ...secretFiles(dataDir)]) {
    if ((mode & 0o077) === 0) continue
    const octal = (mode & 0o777).toString(8)
    findings.push(warning('file modes', `${path} has mode ${octal}: others may read it`, `chmod go= ${path}`))
  }
  return findings.length > 0 ? findings : [good('data directory', `${dataDir} is ours alone`)]
}

function secretFiles(directory: string): (readonly [path: string, stats: Stats])[] {
  return readdirSync(directory)
    .filter((name) => SECRET_FILE.test(name))
    .map((name) => join(directory, name))
    .map((path) => [path, statSync(path)] as const)
    .filter(([, stats]) => stats.isFile())
}

function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path))
}
