/** Fields that would hold a credential. The second line of defence: nothing in the project logs one. */
const SECRET_FIELDS = new Set(['password', 'pass', 'secret', 'token', 'authorization', 'credentials', 'privateKey'])
const CENSOR = '[redacted]'
/** Levels below the line's own fields that are looked at. */
const DEPTH = 2

/** The same fields without what their names say is secret. What holds none, which is nearly every line, is not copied. */
export function withoutSecrets<T extends object>(fields: T, depth: number = DEPTH): T {
  let clean: T | undefined
  for (const key in fields) {
    const value = fields[key]
    const kept = SECRET_FIELDS.has(key)
      ? CENSOR
      : isPlain(value) && depth > 0
        ? withoutSecrets(value, depth - 1)
        : value
    if (kept === value) continue
    clean ??= { ...fields }
    Object.assign(clean, { [key]: kept })
  }
  return clean ?? fields
}

/** An Error is not taken apart here: its serializer does that, and what it made comes by. */
function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Error)
}
