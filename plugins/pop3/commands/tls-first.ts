import { fault } from '../wire/reply.ts'

/** RFC 8314 section 3.3: no password in clear. */
export const TLS_FIRST = fault('Give STLS first: no login without TLS')
