/**
 * Finds mail by its text without reading it: an index of terms in SQLite, made in the background.
 * @module mailserver/plugins/fts
 */
import { resolve } from 'node:path'
import { definePlugin, searchIndex } from 'mailserver'
import { z } from 'zod'
import { FtsIndex } from './fts-index.ts'

const options = z.object({
  /** Relative to the data directory. */
  path: z.string().min(1).default('search'),
})

/** `fts()`: SEARCH of text from an index, which may be thrown away at any time. */
export const fts = definePlugin({
  name: 'fts',
  apiVersion: '^1',
  options,
  provides: { index: searchIndex },
  setup({ options: { path }, server, log }) {
    const index = new FtsIndex(resolve(server.dataDir, path), log)
    return { services: { index }, stop: () => index.close() }
  },
})
