import { z } from 'zod'
import { showValue } from '../../config/show-value.ts'
import { parseAddress } from '../../mail/address.ts'

/** Schema of an address in a path, a query or a body. */
export const addressParameter = () =>
  z.string().transform((text, context) => {
    const address = parseAddress(text)
    if (address !== undefined) return address
    context.addIssue({
      code: 'custom',
      message: `expected an address such as 'alice@example.org', got ${showValue(text)}`,
    })
    return z.NEVER
  })
