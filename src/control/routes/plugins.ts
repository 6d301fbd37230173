import { z } from 'zod'
import { describeValue } from '../../config/describe-config.ts'
import { MailError } from '../../errors/mail-error.ts'
import { validOptions } from '../../kernel/host.ts'
import type { ConfiguredPlugin } from '../../kernel/plugin.ts'
import type { ServiceRefs } from '../../kernel/service.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'

const plugin = z.object({
  name: z.string(),
  version: z.string().nullable(),
  apiVersion: z.string(),
  needs: z.array(z.string()),
  provides: z.array(z.string()),
})

export type PluginView = z.output<typeof plugin>

const idsOf = (refs: ServiceRefs | undefined) => Object.values(refs ?? {}).map(({ id }) => id)

const view = ({ name, version, spec }: ConfiguredPlugin): PluginView => ({
  name,
  version: version ?? null,
  apiVersion: spec.apiVersion,
  needs: idsOf(spec.needs),
  provides: idsOf(spec.provides),
})

export const listPlugins = defineRoute({
  method: 'GET',
  path: '/plugins',
  summary: 'All plugins, in the order they start',
  response: z.object({ plugins: z.array(plugin) }),
  run: async (context: ControlContext) => ({ plugins: context.graph.order.map(view) }),
})

export const orderPlugins = defineRoute({
  method: 'GET',
  path: '/plugins/order',
  summary: 'Which plugin acts at which moment, in order; handlers of one stage run at the same time',
  response: z.object({
    hooks: z.array(
      z.object({
        hook: z.string(),
        handlers: z.array(
          z.object({ plugin: z.string(), stage: z.string(), order: z.string(), timeoutMs: z.number() }),
        ),
      }),
    ),
  }),
  run: async (context: ControlContext) => ({
    hooks: Array.from(context.hooks(), ([hook, handlers]) => ({
      hook,
      handlers: handlers.map(({ plugin, stage, order, timeoutMs }) => ({ plugin, stage, order, timeoutMs })),
    })),
  }),
})

export const showPlugin = defineRoute({
  method: 'GET',
  path: '/plugins/{name}',
  summary: 'One plugin with its options, without their secrets',
  params: z.object({ name: z.string() }),
  response: plugin.extend({ options: z.unknown(), hooks: z.array(z.string()) }),
  async run(context: ControlContext, { params }) {
    const found = context.graph.order.find(({ name }) => name === params.name)
    if (found === undefined) throw new MailError('NOT_FOUND', `there is no plugin ${params.name} in the config`)
    const hooks = [...context.hooks()].filter(([, handlers]) => handlers.some(({ plugin }) => plugin === found.name))
    return {
      ...view(found),
      options: describeValue(await validOptions(found)),
      hooks: hooks.map(([hook]) => hook),
    }
  },
})

export const pluginRoutes = [listPlugins, orderPlugins, showPlugin] as const
