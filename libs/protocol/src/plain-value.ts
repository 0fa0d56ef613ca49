// Deeper values take the graph form, which needs no recursion.
const MAX_PLAIN_DEPTH = 64;
// Up to here a linear scan beats a set.
const SCAN_LIMIT = 12;

const nodeBuffer = (globalThis as { Buffer?: unknown }).Buffer;

/**
 * Whether CBOR alone carries a value faithfully: primitives, arrays, plain objects and `Uint8Array`, each
 * object met once. Most arguments and results are such values, and they skip the graph form.
 */
export function isPlainValue(value: unknown): boolean {
  return isPlain(value, new SeenObjects(), 0);
}

function isPlain(value: unknown, seen: SeenObjects, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return isPlainText(value);
    case 'number':
      // CBOR libraries write -0 as the integer 0.
      return value !== 0 || 1 / value > 0;
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      return value === null || isPlainObject(value, seen, depth);
    default:
      return false;
  }
}

function isPlainObject(value: object, seen: SeenObjects, depth: number): boolean {
  if (depth === MAX_PLAIN_DEPTH) return false;
  if (!seen.add(value)) return false;
  const constructor = value.constructor;
  if (constructor === Object) return isPlainRecord(value, seen, depth);
  if (constructor === Array) return isPlainArray(value as unknown[], seen, depth);
  return constructor === Uint8Array || (constructor !== undefined && constructor === nodeBuffer);
}

function isPlainRecord(value: object, seen: SeenObjects, depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype) return false;
  for (const key of Object.keys(value)) {
    if (key === '__proto__' || !isPlainText(key)) return false;
    if (!isPlain((value as Record<string, unknown>)[key], seen, depth + 1)) return false;
  }
  return true;
}

function isPlainArray(value: unknown[], seen: SeenObjects, depth: number): boolean {
  for (let index = 0; index < value.length; index++) {
    const item = value[index];
    if (item === undefined && !(index in value)) return false;
    if (!isPlain(item, seen, depth + 1)) return false;
  }
  return true;
}

class SeenObjects {
  readonly #few: object[] = [];
  #many: Set<object> | undefined;

  /** False if the object was there already. */
  add(value: object): boolean {
    if (this.#many === undefined) {
      if (this.#few.includes(value)) return false;
      if (this.#few.push(value) > SCAN_LIMIT) this.#many = new Set(this.#few);
      return true;
    }
    const before = this.#many.size;
    return this.#many.add(value).size > before;
  }
}

/** UTF-8 carries neither lone surrogates nor, with common decoders, a leading byte order mark. */
export function isPlainText(text: string): boolean {
  return (
    text.length === 0 ||
    ((text as string & { isWellFormed(): boolean }).isWellFormed() && text.charCodeAt(0) !== 0xfeff)
  );
}
