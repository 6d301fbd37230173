import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Many a test waits for another program more than it works.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // What programs print is compared as text, whatever the machine that runs the tests asks for.
    env: { NO_COLOR: '1' },
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
})
