import type { CommitsResult } from '../load/commits.ts'
import { runLoad } from '../load/run-load.ts'
import type { Case, Scenario } from '../scenario.ts'
import { quantile } from '../statistics.ts'

function commitCase(writers: number, kb: number): Case {
  const hasLimit = writers === 10 && kb === 2
  return {
    name: `${writers}x${kb}k`,
    title: `${writers} writer${writers === 1 ? '' : 's'} × ${kb} KB`,
    isLong: !hasLimit,
    figures: [
      { key: 'rate', title: 'commits', unit: 'commits/s', better: 'more' },
      {
        key: 'p99',
        title: '99th percentile',
        unit: 'ms',
        better: 'less',
        ...(hasLimit && { limit: { floor: 5, goal: 2 } }),
      },
    ],
    async run(_, { targetMs }) {
      const { commits, ms, latencies } = await runLoad<CommitsResult>('commits.ts', {
        writers,
        bytes: kb * 1000,
        ms: targetMs,
      })
      return { rate: (commits / ms) * 1000, p99: quantile(latencies, 0.99) }
    },
  }
}

export const commits: Scenario = {
  name: 'commits',
  about: 'The store alone: durable commits of a blob and six keys through the Engine and the BlobStore of `level`.',
  peers: [],
  need: { accounts: 1 },
  cases: [2, 50].flatMap((kb) => [1, 10, 50].map((writers) => commitCase(writers, kb))),
}
