import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'

/** What the figures depend on. */
export function machineFacts(): Readonly<Record<string, string>> {
  return {
    processors: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GB`,
    system: `${distribution()}, Linux ${release()}`,
    node: `Node ${process.version}`,
  }
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="([^"]*)"/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  } catch {
    // A system that does not say what it is.
    return 'Linux'
  }
}
