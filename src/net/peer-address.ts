import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** A peer of a unix socket is on this machine; what looks at addresses (SPF, bans, limits) sees it as such. */
export const LOCAL_PEER = '127.0.0.1'

/** The address as it is logged and compared: IPv4 in IPv6 (`::ffff:192.0.2.1`) as IPv4, no zone. */
export function normalizeAddress(address: string): string {
  if (!isIPv6(address)) return address
  const parsed = ipaddr.IPv6.parse(address.replace(/%.*$/, ''))
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toString()
}

/** What counts as one peer: an IPv4 address, or the /64 of an IPv6 address, which is what one customer is given. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [a, b, c, d] = ipaddr.IPv6.parse(address.replace(/%.*$/, '')).parts
  return `${[a, b, c, d].map((part) => (part ?? 0).toString(16)).join(':')}::/64`
}
