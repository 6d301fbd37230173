import { join } from 'node:path'
import { HIERARCHY_SEPARATOR } from '../mail-store.ts'

/** What would be taken for something else as the name of a file or directory: `%`, and ends that mean a kind of file. */
const UNSAFE = /%|\\|^\.|\.(?=(?:eml|json|mbox)$)/gi

const escaped = (text: string): string =>
  text.replace(UNSAFE, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** A mailbox as a path of directories, its levels in UTF-8. */
export const pathOf = (name: string): string => join(...name.split(HIERARCHY_SEPARATOR).map(escaped))

/** The other way round; a path that no export wrote keeps its text. */
export function nameOf(path: string): string {
  const levels = path.split('/').filter((level) => level !== '')
  return levels
    .map((level) => level.replace(/%(25|5c|2e)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))))
    .join(HIERARCHY_SEPARATOR)
}
