import { UsageError } from './usage-error.ts';

/** A timer of Node takes no more. */
const MOST_SECONDS = 2_147_483;

/**
 * Parses a TCP port.
 *
 * @throws {@link UsageError} naming the flag.
 */
export function parsePort(flag: string, text: string): number {
  return parseInteger(flag, text, { min: 0, max: 65_535 });
}

/** Parses a number of seconds above 0, and returns milliseconds. */
export function parseSeconds(flag: string, text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0 && value <= MOST_SECONDS) return value * 1_000;
  throw new UsageError(`${flag} must be a number of seconds from 0 to ${MOST_SECONDS}, not "${text}"`);
}

/** Parses a whole number within bounds. */
export function parseInteger(flag: string, text: string, bounds: { min: number; max: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= bounds.min && value <= bounds.max) return value;
  const range =
    bounds.max === Number.MAX_SAFE_INTEGER
      ? `of at least ${bounds.min}`
      : `from ${bounds.min} to ${bounds.max}`;
  throw new UsageError(`${flag} must be a whole number ${range}, not "${text}"`);
}
