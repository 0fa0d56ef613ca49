/** Objects nested deeper than this take the slow path, which notices cycles. */
const MAX_PLAIN_DEPTH = 50;

/**
 * A result as JSON text. Beyond what JSON.stringify does: undefined becomes null, big integers become numbers
 * where they are exact and else strings, bytes become base64, maps objects (lists of pairs if a key is no
 * string), sets lists, errors their name and message.
 *
 * @throws TypeError on a value that contains itself.
 */
export function toJsonText(value: unknown): string {
  const text = isPlain(value, 0) ? JSON.stringify(value) : JSON.stringify(value, replaceSpecial);
  return text ?? 'null';
}

// Looking first is cheaper than a replacer, and most results are plain.
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null || value instanceof Date) return true;
  if (depth > MAX_PLAIN_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  if (isSpecialObject(value)) return false;
  for (const key in value) {
    if (!isPlain((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

function isSpecialObject(value: object): boolean {
  return (
    value instanceof Map ||
    value instanceof Set ||
    ArrayBuffer.isView(value) ||
    value instanceof Error ||
    value instanceof ArrayBuffer
  );
}

function replaceSpecial(this: unknown, key: string, replaced: unknown): unknown {
  // `replaced` went through toJSON already, which Buffer has.
  const value = (this as Record<string, unknown>)[key];
  if (typeof value === 'bigint') return toExact(value);
  if (value instanceof Map) return fromMap(value);
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (ArrayBuffer.isView(value))
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return replaced;
}

function toExact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function fromMap(map: Map<unknown, unknown>): unknown {
  const entries = [...map];
  return entries.every(([key]) => typeof key === 'string') ? Object.fromEntries(entries) : entries;
}
