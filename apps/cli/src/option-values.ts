import { UsageError } from './usage-error.ts';

/**
 * Parses a TCP port.
 *
 * @throws {@link UsageError} naming the flag.
 */
export function parsePort(flag: string, text: string): number {
  return parseInteger(flag, text, { min: 0, max: 65_535 });
}

/** Parses a whole number within bounds. */
export function parseInteger(flag: string, text: string, bounds: { min: number; max: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= bounds.min && value <= bounds.max) return value;
  throw new UsageError(`${flag} must be a whole number from ${bounds.min} to ${bounds.max}, not "${text}"`);
}
