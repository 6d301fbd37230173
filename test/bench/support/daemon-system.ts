import type { System } from '../system.ts'
import type { Daemon } from './daemon.ts'

interface Parts {
  readonly name: string
  readonly title: string
  readonly durability: string
  readonly ports: System['ports']
  readonly stored: System['stored']
  start(): Promise<Daemon>
  /** Processes of other daemons that belong to it. */
  pids?(): readonly number[]
  /** Takes away what it leaves, once it has ended. */
  remove(): void | Promise<void>
}

/** A system that is one daemon, or has one in front. @throws Error when it does not start; nothing is left then */
export async function daemonSystem(parts: Parts): Promise<System> {
  const started = async () => {
    try {
      return await parts.start()
    } catch (error) {
      await parts.remove()
      throw error
    }
  }
  let daemon = await started()
  const { name, title, durability, ports, stored } = parts
  return {
    name,
    title,
    durability,
    ports,
    stored,
    pids: () => [daemon.pid, ...(parts.pids?.() ?? [])],
    async restart() {
      await daemon.stop()
      daemon = await parts.start()
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop()
      await parts.remove()
    },
  }
}
