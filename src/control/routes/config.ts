import { z } from 'zod'
import type { ConfigDescription } from '../../config/describe-config.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'

export const showConfig = defineRoute({
  method: 'GET',
  path: '/config',
  summary: 'The configuration that runs, with its defaults and without its secrets',
  response: z.custom<ConfigDescription>(),
  run: (context: ControlContext) => context.describe(),
})
