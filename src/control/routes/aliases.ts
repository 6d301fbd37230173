import { z } from 'zod'
import { directory } from '../../directory/directory.ts'
import { formatAddress } from '../../mail/address.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'
import { addressParameter } from './address-parameter.ts'

const alias = z.object({
  address: z.string(),
  targets: z.array(z.string()),
  source: z.enum(['config', 'store']),
})

export const listAliases = defineRoute({
  method: 'GET',
  path: '/aliases',
  summary: 'All aliases, of the config and of the store',
  response: z.object({ aliases: z.array(alias) }),
  async run(context: ControlContext) {
    const aliases = await context.service(directory).aliases()
    return {
      aliases: aliases.map(({ address, targets, source }) => ({
        address: formatAddress(address),
        targets: targets.map(formatAddress),
        source,
      })),
    }
  },
})

export const addAlias = defineRoute({
  method: 'POST',
  path: '/aliases',
  summary: 'Adds an alias to the store',
  body: z.strictObject({ address: addressParameter(), targets: z.array(addressParameter()).min(1) }),
  response: alias,
  async run(context: ControlContext, { body }) {
    await context.service(directory).addAlias(body.address, body.targets)
    return {
      address: formatAddress(body.address),
      targets: body.targets.map(formatAddress),
      source: 'store' as const,
    }
  },
})

export const removeAlias = defineRoute({
  method: 'DELETE',
  path: '/aliases/{address}',
  summary: 'Removes an alias of the store',
  params: z.object({ address: addressParameter() }),
  response: z.object({ address: z.string() }),
  async run(context: ControlContext, { params }) {
    await context.service(directory).removeAlias(params.address)
    return { address: formatAddress(params.address) }
  },
})

export const aliasRoutes = [listAliases, addAlias, removeAlias] as const
