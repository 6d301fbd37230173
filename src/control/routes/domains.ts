import { z } from 'zod'
import { showValue } from '../../config/show-value.ts'
import { directory } from '../../directory/directory.ts'
import { formatAddress, normalizeDomain } from '../../mail/address.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'
import { addressParameter } from './address-parameter.ts'

const domain = z.object({
  name: z.string(),
  catchAll: z.string().nullable(),
  subaddressDelimiter: z.string(),
  source: z.enum(['config', 'store']),
})

const domainName = () =>
  z.string().transform((text, context) => {
    const name = normalizeDomain(text)
    if (name !== undefined && !name.startsWith('[')) return name
    context.addIssue({ code: 'custom', message: `expected a domain such as 'example.org', got ${showValue(text)}` })
    return z.NEVER
  })

export const listDomains = defineRoute({
  method: 'GET',
  path: '/domains',
  summary: 'All domains whose mail is ours, of the config and of the store',
  response: z.object({ domains: z.array(domain) }),
  async run(context: ControlContext) {
    const domains = await context.service(directory).domains()
    return {
      domains: domains.map(({ name, catchAll, subaddressDelimiter, source }) => ({
        name,
        catchAll: catchAll === undefined ? null : formatAddress(catchAll),
        subaddressDelimiter,
        source,
      })),
    }
  },
})

export const addDomain = defineRoute({
  method: 'POST',
  path: '/domains',
  summary: 'Adds a domain to the store',
  body: z.strictObject({
    name: domainName(),
    catchAll: addressParameter().optional(),
    subaddressDelimiter: z.string().max(1).optional(),
  }),
  response: z.object({ name: z.string() }),
  async run(context: ControlContext, { body }) {
    const { name, catchAll, subaddressDelimiter } = body
    await context.service(directory).addDomain({
      name,
      ...(catchAll !== undefined && { catchAll }),
      ...(subaddressDelimiter !== undefined && { subaddressDelimiter }),
    })
    return { name }
  },
})

export const removeDomain = defineRoute({
  method: 'DELETE',
  path: '/domains/{name}',
  summary: 'Removes a domain of the store; its accounts cannot log in any more',
  params: z.object({ name: domainName() }),
  query: z.strictObject({ force: z.stringbool().default(false).describe('Also when it has accounts') }),
  response: z.object({ name: z.string() }),
  async run(context: ControlContext, { params, query }) {
    await context.service(directory).removeDomain(params.name, query)
    return { name: params.name }
  },
})

export const domainRoutes = [listDomains, addDomain, removeDomain] as const
