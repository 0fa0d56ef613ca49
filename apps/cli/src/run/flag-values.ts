import { readFileSync } from 'node:fs';

import type { TypeSpec } from '@gantry/protocol';

import { UsageError } from '../usage-error.ts';

const TRUE = ['true', '1', 'yes', 'on'];
const FALSE = ['false', '0', 'no', 'off'];

/**
 * Turns the text of a flag into a value of its type. Bytes are given as the path of a file, objects as JSON.
 *
 * @throws {@link UsageError} naming the flag and what it takes.
 */
export function parseFlagValue(flag: string, type: TypeSpec, text: string): unknown {
  switch (type.type) {
    case 'string':
      return text;
    case 'integer':
      return parseWhole(flag, text);
    case 'number':
      return parseNumber(flag, text);
    case 'bigint':
      if (/^[+-]?\d+$/.test(text)) return BigInt(text);
      throw wrong(flag, 'a whole number', text);
    case 'boolean':
      return parseBoolean(flag, text);
    case 'date':
      return parseDate(flag, text);
    case 'enum':
      return parseEnum(flag, type.values, text);
    case 'bytes':
      return readBytes(flag, text);
    case 'object':
      return parseJson(flag, text);
    case 'unknown':
      return looseValue(text);
    default:
      throw new UsageError(`${flag} cannot be given on the command line: its type is ${type.type}`);
  }
}

function wrong(flag: string, wanted: string, text: string): UsageError {
  return new UsageError(`${flag} must be ${wanted}, not "${text}"`);
}

function parseWhole(flag: string, text: string): number {
  const value = Number(text);
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw wrong(flag, 'a whole number', text);
}

function parseNumber(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw wrong(flag, 'a number', text);
}

function parseBoolean(flag: string, text: string): boolean {
  if (TRUE.includes(text.toLowerCase())) return true;
  if (FALSE.includes(text.toLowerCase())) return false;
  throw wrong(flag, 'true or false', text);
}

function parseDate(flag: string, text: string): Date {
  const date = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw wrong(flag, 'a date such as 2026-03-14 or 2026-03-14T08:47:00Z', text);
}

function parseEnum(flag: string, values: readonly (string | number)[], text: string): string | number {
  const value = values.find((candidate) => String(candidate) === text);
  if (value !== undefined) return value;
  throw wrong(flag, `one of ${values.join(', ')}`, text);
}

function readBytes(flag: string, file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw new UsageError(`${flag} must be a file that can be read: ${(error as Error).message}`);
  }
}

function parseJson(flag: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw wrong(flag, 'JSON', text);
  }
}

/** What has no declared type is a number, a boolean or null if it looks like one, JSON if it parses, else text. */
function looseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
