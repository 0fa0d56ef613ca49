import type { TypeSpec } from './manifest.ts';

/** A value read from text, or why the text is none: `message` is a sentence, `kind` a stable word for programs. */
export type TextValue = { ok: true; value: unknown } | { ok: false; message: string; kind: string };

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
const TRUE_WORDS = new Set(['true', '1', 'yes', 'y', 'on', 't']);
const FALSE_WORDS = new Set(['false', '0', 'no', 'n', 'off', 'f']);

/**
 * Reads one value of a declared type from text: a query parameter, a form field, a command-line flag.
 *
 * Bytes are base64 or base64url. An array type reads one item. Types that text cannot carry are handed back as text.
 *
 * @example
 * ```ts
 * parseText('5', { type: 'integer' }); // { ok: true, value: 5 }
 * parseText('x', { type: 'integer' }); // { ok: false, kind: 'int_parsing', message: 'Input should be …' }
 * ```
 */
export function parseText(text: string, type: TypeSpec): TextValue {
  switch (type.type) {
    case 'integer':
      return parseInteger(text.trim());
    case 'bigint':
      return INTEGER.test(text.trim()) ? accept(BigInt(text.trim())) : refuse('integer', 'int_parsing');
    case 'number':
      return parseNumber(text.trim());
    case 'boolean':
      return parseBoolean(text.trim().toLowerCase());
    case 'date':
      return parseDate(text.trim());
    case 'bytes':
      return parseBytes(text);
    case 'enum':
      return parseMember(text, type.values);
    case 'array':
      return parseText(text, type.items);
    default:
      return accept(text);
  }
}

function accept(value: unknown): TextValue {
  return { ok: true, value };
}

function refuse(what: string, kind: string): TextValue {
  return { ok: false, message: `Input should be a valid ${what}`, kind };
}

function parseInteger(text: string): TextValue {
  if (!INTEGER.test(text)) return refuse('integer', 'int_parsing');
  const value = Number(text);
  return Number.isSafeInteger(value)
    ? accept(value)
    : refuse('integer below 2 to the power of 53', 'int_parsing_size');
}

function parseNumber(text: string): TextValue {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? accept(value) : refuse('number', 'float_parsing');
}

function parseBoolean(text: string): TextValue {
  if (TRUE_WORDS.has(text)) return accept(true);
  if (FALSE_WORDS.has(text)) return accept(false);
  return refuse('boolean', 'bool_parsing');
}

function parseDate(text: string): TextValue {
  const value = new Date(DATE.test(text) ? text : Number.NaN);
  return Number.isNaN(value.getTime())
    ? refuse('date such as 2030-01-31T12:00:00Z', 'datetime_parsing')
    : accept(value);
}

function parseBytes(text: string): TextValue {
  if (!BASE64.test(text)) return refuse('base64 text', 'bytes_parsing');
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return accept(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  } catch {
    return refuse('base64 text', 'bytes_parsing');
  }
}

function parseMember(text: string, values: readonly (string | number)[]): TextValue {
  const member = values.find((value) => String(value) === text);
  if (member !== undefined) return accept(member);
  return { ok: false, message: `Input should be ${listOf(values)}`, kind: 'enum' };
}

/** `'a', 'b' or 'c'`. */
function listOf(values: readonly (string | number)[]): string {
  const quoted = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)));
  const last = quoted.pop() ?? 'nothing';
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`;
}
