import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../kernel/metrics.ts'

/** A registry with the measures of the Node.js process itself, for the supervisor. */
export function processRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/** The metrics of one plugin, under `mailserver_<plugin>_`. The same name twice is the same metric. */
export function metricsFor(registry: Registry, plugin: string): Metrics {
  const prefix = `mailserver_${plugin.replace(/[^A-Za-z0-9]/g, '_')}_`
  const once = <T>(name: string, make: () => unknown): T => (registry.getSingleMetric(name) ?? make()) as T
  const base = (name: string, help: string, labels: readonly string[] = []) => ({
    name: `${prefix}${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  return {
    counter(name, help, labels) {
      const counter = once<Counter>(prefix + name, () => new Counter(base(name, help, labels)))
      return { add: (value = 1, of = {}) => counter.inc(of, value) }
    },
    gauge(name, help, labels) {
      const gauge = once<Gauge>(prefix + name, () => new Gauge(base(name, help, labels)))
      return { set: (value, of = {}) => gauge.set(of, value), add: (value, of = {}) => gauge.inc(of, value) }
    },
    histogram(name, help, buckets, labels) {
      const histogram = once<Histogram>(
        prefix + name,
        () => new Histogram({ ...base(name, help, labels), buckets: [...buckets] }),
      )
      return { observe: (value, of = {}) => histogram.observe(of, value) }
    },
  }
}
