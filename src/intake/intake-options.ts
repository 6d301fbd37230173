import { z } from 'zod'
import { byteSize } from '../config/units.ts'

const KB = 1024
const MB = 1024 * KB

export const intakeOptions = z.strictObject({
  /** Received fields a message may have; RFC 5321 section 6.3 asks for at least 100. */
  maxHops: z.number().int().min(1).default(100),
  /** Largest header section that is taken. */
  headerBytes: byteSize().prefault(256 * KB),
  /** A message up to this size waits in memory for its checks and is written to the store once. */
  holdBytes: byteSize().prefault(128 * KB),
  /** Memory for all waiting messages of a worker together. */
  holdTotalBytes: byteSize().prefault(64 * MB),
  /** Refuse a submitted message whose From is not an address of its sender (RFC 6409 section 6.1). */
  checkFrom: z.boolean().default(true),
})

export type IntakeOptions = z.output<typeof intakeOptions>
