import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from 'mailserver'
import { MARKER_BYTES } from './segments/frame.ts'

/** Version of the layout on disk that this code writes, and the newest it reads. */
export const LAYOUT_VERSION = 1
export const DIRECTORY_MODE = 0o700
export const FILE_MODE = 0o600

const VERSION_FILE = 'VERSION'
const SEGMENT_NAME = /^([0-9a-f]{8})\.seg$/

/** Where everything of a store lies. */
export interface Layout {
  readonly root: string
  /** LevelDB: the keys. */
  readonly index: string
  /** A LevelDB with nothing in it, whose LOCK keeps other processes out before anything else is touched. */
  readonly gate: string
  /** The segments: blobs and commits. */
  readonly log: string
  /** What every frame of this store's segments begins with. */
  readonly marker: Buffer
}

/** Reads the layout that `prepareLayout` has made or found. */
export function layoutOf(root: string): Layout {
  const version = readVersion(join(root, VERSION_FILE))
  if (version === undefined) throw new Error(`${root} holds no store`)
  return { ...pathsOf(root), marker: version.marker }
}

function pathsOf(root: string): Omit<Layout, 'marker'> {
  return { root, index: join(root, 'index'), gate: join(root, 'gate'), log: join(root, 'log') }
}

export function segmentPath(layout: Layout, segment: number): string {
  return join(layout.log, `${segment.toString(16).padStart(8, '0')}.seg`)
}

/** Numbers of the segments that exist, in ascending order. */
export function listSegments(layout: Layout): number[] {
  return readdirSync(layout.log)
    .map((name) => SEGMENT_NAME.exec(name))
    .filter((match) => match !== null)
    .map((match) => Number.parseInt(match[1] as string, 16))
    .sort((a, b) => a - b)
}

/**
 * Makes the directories, and checks the version of what is there.
 * @throws UserError when the layout is newer than this program, or the directory cannot be used
 */
export function prepareLayout(root: string): Layout {
  const { index, gate, log } = pathsOf(root)
  try {
    for (const path of [root, index, gate, log]) mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
    checkVersion(root)
    return layoutOf(root)
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    throw new UserError(`The store ${root} cannot be used: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
      nextSteps: ['Give the user who runs the server read and write permission for it.'],
    })
  }
}

/** Makes names in a directory survive a power failure. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function checkVersion(root: string): void {
  const path = join(root, VERSION_FILE)
  const found = readVersion(path)
  if (found === undefined) {
    const marker = randomBytes(MARKER_BYTES).toString('hex')
    writeFileSync(path, `${LAYOUT_VERSION} ${marker}\n`, { mode: FILE_MODE, flush: true })
    syncDirectory(root)
  } else if (found.version > LAYOUT_VERSION) {
    throw new UserError(
      `The store ${root} has layout ${found.version}; this version of mailserver knows layouts up to ${LAYOUT_VERSION}.`,
      { nextSteps: ['Start the newer mailserver that wrote it, or restore a backup made by this version.'] },
    )
  }
}

function readVersion(path: string): { version: number; marker: Buffer } | undefined {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
  const match = /^(\d{1,9})(?: ([0-9a-f]{16}))?/.exec(text)
  // An empty file is a first start that a power failure cut short: nothing was acknowledged yet.
  if (text === '') return undefined
  const [, version, marker] = match ?? []
  if (version === undefined) throw new Error(`${path} does not hold a layout version`)
  if (marker === undefined && Number(version) <= LAYOUT_VERSION) throw new Error(`${path} does not hold a marker`)
  return { version: Number(version), marker: Buffer.from(marker ?? '', 'hex') }
}
