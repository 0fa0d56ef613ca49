import { inspect } from 'node:util';

/** A value as JSON can have it: what JSON does not know, wherever it is in it, is text, as code shows it. */
export function plain(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value, asText) ?? JSON.stringify(shown(value))) as unknown;
  } catch {
    // It contains itself.
    return shown(value);
  }
}

/** For `JSON.stringify`, which has called `toJSON` of the value before. */
function asText(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const original = this[name];
  return isKnown(original) ? value : shown(original);
}

function isKnown(value: unknown): boolean {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return value === null || isPlainObject(value) || Array.isArray(value) || saysItself(value);
    case 'undefined':
    case 'string':
    case 'boolean':
      return true;
    default:
      return false;
  }
}

/** Bytes of Node do, in hundreds of numbers. */
function saysItself(value: object): boolean {
  return 'toJSON' in value && !ArrayBuffer.isView(value);
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function shown(value: unknown): string {
  return inspect(value, { depth: 10, breakLength: Infinity });
}
