/** Counts, states and durations of one plugin. Names are prefixed `mailserver_<plugin>_`; `GET /metrics` shows them all. */
export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>
  /** @param buckets upper bounds, in seconds for a duration */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>
}

type Labels<L extends string> = Partial<Record<L, string | number>>

export interface Counter<L extends string = never> {
  add(value?: number, labels?: Labels<L>): void
}
export interface Gauge<L extends string = never> {
  set(value: number, labels?: Labels<L>): void
  add(value: number, labels?: Labels<L>): void
}
export interface Histogram<L extends string = never> {
  observe(value: number, labels?: Labels<L>): void
}

const nothing = () => {}

/** Measures nothing; for tests. */
export const noMetrics: Metrics = {
  counter: () => ({ add: nothing }),
  gauge: () => ({ set: nothing, add: nothing }),
  histogram: () => ({ observe: nothing }),
}
