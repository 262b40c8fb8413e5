/** What we need of a Collection+JSON document (application/vnd.collection+json). */
export interface Collection {
  readonly hasError: boolean
  readonly errorCode?: string
  /** Fields of each item by name; empty without items, undefined when `items` is something else. */
  readonly items?: readonly ReadonlyMap<string, string>[]
}

/** @returns undefined when the text is no JSON object with a `collection` */
export function readCollection(text: string): Collection | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    return undefined
  }
  if (!isRecord(parsed) || !isRecord(parsed.collection)) return undefined
  const { error } = parsed.collection
  const items = parsed.collection.items ?? []
  const code = isRecord(error) ? error.code : undefined
  return {
    hasError: error !== undefined && error !== null,
    ...(typeof code === 'string' ? { errorCode: code } : {}),
    ...(Array.isArray(items) ? { items: items.map(readItem) } : {}),
  }
}

/**
 * An item's data is a list of `{name, value}`; a plain object with the names as keys, as some
 * servers write it, reads the same. Values that are neither text nor number are left out.
 */
function readItem(item: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  const data = isRecord(item) ? item.data : undefined
  const pairs: [unknown, unknown][] = Array.isArray(data)
    ? data.filter(isRecord).map(({ name, value }) => [name, value])
    : Object.entries(isRecord(data) ? data : {})
  for (const [name, value] of pairs) {
    if (typeof name !== 'string') continue
    if (typeof value === 'string' || typeof value === 'number') {
      fields.set(name, String(value).trim())
    }
  }
  return fields
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
