import { InvalidError, SerializationError } from './errors.ts';
import { handleState } from './handles.ts';

const LONGEST_KEY = 8 * 1024;

/**
 * The one text of a key of a dict: equal keys have equal texts. Objects, maps and sets are equal whatever the order of
 * what they hold; `-0` is `0`.
 *
 * @throws {@link SerializationError} for what is no plain data, and for cycles; {@link InvalidError} above 8 KiB.
 */
export function canonicalKey(key: unknown): string {
  const text = textOf(key, []);
  if (text.length <= LONGEST_KEY) return text;
  throw new InvalidError(`a key of a dict is longer than ${LONGEST_KEY / 1024} KiB`, {
    hint: 'Use a shorter one, such as a digest, and keep the rest in the value.',
  });
}

function textOf(value: unknown, above: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return value === 0 ? '0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : objectText(value, above);
    default:
      throw unfit(`a ${typeof value}`);
  }
}

function objectText(value: object, above: readonly object[]): string {
  if (above.includes(value)) throw unfit('a value that contains itself');
  const inside = [...above, value];
  const each = (values: Iterable<unknown>) => Array.from(values, (item) => textOf(item, inside));
  const handle = handleState(value);
  if (handle) return `handle(${handle.kind},${textOf(handle.state, inside)})`;
  if (Array.isArray(value)) return `[${each(value).join()}]`;
  if (value instanceof Date) return `date(${value.getTime()})`;
  if (value instanceof URL) return `url(${JSON.stringify(value.href)})`;
  if (value instanceof Map) return `map(${each(value).sort().join()})`;
  if (value instanceof Set) return `set(${each(value).sort().join()})`;
  if (ArrayBuffer.isView(value)) return bytesText(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw unfit(nameOf(prototype));
  const properties = Object.entries(value).map(
    ([name, item]) => `${JSON.stringify(name)}:${textOf(item, inside)}`,
  );
  return `{${properties.sort().join()}}`;
}

/** Objects may have prototypes that no class has made. */
function nameOf(prototype: unknown): string {
  const { name = 'value of no class' } = (prototype as { constructor?: { name?: string } }).constructor ?? {};
  return `a ${name}`;
}

function bytesText(view: ArrayBufferView): string {
  const name = view instanceof DataView ? 'DataView' : (view as Uint8Array)[Symbol.toStringTag];
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return `${name}(${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')})`;
}

function unfit(what: string): SerializationError {
  return new SerializationError(`a key of a dict cannot be ${what}`, {
    hint: 'Use text, numbers, or plain data made of them.',
  });
}
