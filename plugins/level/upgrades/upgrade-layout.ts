/**
 * Brings a store of an older layout to the one this program writes, before anything of it is opened: the gate is
 * locked, LevelDB is closed. VERSION names the layout a step has reached only after the step is on disk, so a step that
 * was interrupted runs again, from the state it left: a step must come to the same end from wherever it was stopped.
 */
import type { Log } from 'mailserver'
import { LAYOUT_VERSION, type Layout, syncDirectory } from '../layout.ts'
import { readVersion, type Version, writeVersion } from '../version-file.ts'

export interface Upgrade {
  /** The layout it begins with; it ends with the next. */
  readonly from: number
  /** What it does, for the log: `the parts of large messages say how they are stored`. */
  readonly what: string
  /**
   * Changes the files and brings them to the disk. Safe to repeat after it was interrupted anywhere.
   * @param progress tells the operator how far it is, e.g. `12 of 40 segments`
   */
  run(layout: Layout, progress: (text: string) => void): Promise<void>
}

/** @throws Error when a step is missing, or fails: what it has done stays, and the next start goes on */
export async function upgradeLayout(
  layout: Layout,
  upgrades: readonly Upgrade[],
  log: Log,
  target: number = LAYOUT_VERSION,
): Promise<void> {
  for (let at = versionOf(layout, target); at.version < target; at = versionOf(layout, target)) {
    const step = upgrades.find(({ from }) => from === at.version)
    if (step === undefined) throw new Error(`there is no upgrade from layout ${at.version} of ${layout.root}`)
    const fields = { path: layout.root, from: step.from, to: step.from + 1, what: step.what }
    log.info(fields, 'upgrading the layout of the store')
    await step.run(layout, (progress) => log.info({ ...fields, progress }, 'upgrading the layout of the store'))
    syncDirectory(layout.root)
    writeVersion(layout.root, { ...at, version: step.from + 1 })
    log.info(fields, 'upgraded the layout of the store')
  }
}

function versionOf({ root }: Layout, target: number): Version {
  const found = readVersion(root, target)
  if (found === undefined) throw new Error(`${root} holds no store`)
  return found
}
