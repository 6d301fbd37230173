import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from 'mailserver'
import { decodeHead, FIXED_HEAD_BYTES, headBytesOf, MARKER_BYTES } from './segments/frame.ts'
import type { KeyRing } from './vault/key-ring.ts'
import { Vault } from './vault/vault.ts'
import { FILE_MODE, readVersion, syncDirectory, writeVersion } from './version-file.ts'

/** Version of the layout on disk that this code writes, and the newest it reads. */
export const LAYOUT_VERSION = 1
export const DIRECTORY_MODE = 0o700
export { FILE_MODE, syncDirectory }

const SEGMENT_NAME = /^([0-9a-f]{8})\.seg$/

/** Where everything of a store lies, and how it is read. */
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
  /** Seals what is written and opens what is read; undefined in a store that is not encrypted. */
  readonly vault: Vault | undefined
}

/** Reads the layout that `prepareLayout` has made or found. */
export function layoutOf(root: string, ring?: KeyRing): Layout {
  const version = readVersion(root, LAYOUT_VERSION)
  if (version === undefined) throw new Error(`${root} holds no store`)
  return { ...pathsOf(root), marker: version.marker, vault: ring && new Vault(ring) }
}

function pathsOf(root: string): Omit<Layout, 'marker' | 'vault'> {
  return { root, index: join(root, 'index'), gate: join(root, 'gate'), log: join(root, 'log') }
}

export function segmentPath(layout: Pick<Layout, 'log'>, segment: number): string {
  return join(layout.log, `${segment.toString(16).padStart(8, '0')}.seg`)
}

/** Numbers of the segments that exist, in ascending order. */
export function listSegments(layout: Pick<Layout, 'log'>): number[] {
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
export function prepareLayout(root: string, ring?: KeyRing): Layout {
  const { index, gate, log } = pathsOf(root)
  try {
    for (const path of [root, index, gate, log]) mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
    checkVersion(root, ring)
    return layoutOf(root, ring)
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    throw new UserError(`The store ${root} cannot be used: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
      nextSteps: ['Give the user who runs the server read and write permission for it.'],
    })
  }
}

function checkVersion(root: string, ring: KeyRing | undefined): void {
  const found = readVersion(root, LAYOUT_VERSION)
  if (found === undefined) {
    const marker = markerInLog(pathsOf(root))
    // Without the file nobody knows which key sealed what, so all of them may have from the beginning.
    const keys = marker === undefined ? [] : (ring ?? []).map(({ fingerprint }) => ({ fingerprint, since: 0 }))
    writeVersion(root, { version: LAYOUT_VERSION, marker: marker ?? randomBytes(MARKER_BYTES), keys })
  } else if (found.version > LAYOUT_VERSION) {
    throw new UserError(
      `The store ${root} has layout ${found.version}; this version of mailserver knows layouts up to ${LAYOUT_VERSION}.`,
      { nextSteps: ['Start the newer mailserver that wrote it, or restore a backup made by this version.'] },
    )
  }
}

/** The marker of a store whose file VERSION is lost: each segment begins with it. */
function markerInLog(paths: Pick<Layout, 'log'>): Buffer | undefined {
  for (const segment of listSegments(paths)) {
    const bytes = Buffer.alloc(64 * 1024)
    const fd = openSync(segmentPath(paths, segment), 'r')
    try {
      readSync(fd, bytes, 0, bytes.length, 0)
    } finally {
      closeSync(fd)
    }
    const marker = Buffer.from(bytes.subarray(0, MARKER_BYTES))
    const size = headBytesOf(marker, bytes.subarray(0, FIXED_HEAD_BYTES))
    if (size !== undefined && decodeHead(marker, { segment, offset: 0 }, bytes) !== undefined) return marker
  }
  return undefined
}
