const DAY_MS = 24 * 3600 * 1000;
const NAME = /^(?:d(\d{1,6})-)?(sha256-[0-9a-f]{64})$/;

/** What the name of a blob says. */
export interface BlobName {
  /** `sha256-<64 hex digits>` of the content. */
  digest: string;
  /** Of a value: the day it was stored, counted from 1970 (UTC). Absent for what is kept until it is deleted. */
  day?: number | undefined;
}

/** Reads the name of a blob; undefined if it is none. */
export function parseBlobName(name: string): BlobName | undefined {
  const [, day, digest] = NAME.exec(name) ?? [];
  if (digest === undefined) return undefined;
  return day === undefined ? { digest } : { digest, day: Number(day) };
}

/** The name of a value (arguments or a result) that is stored at this time: `d<day>-<digest>`. */
export function valueName(digest: string, timeMs: number): string {
  return `d${dayOf(timeMs)}-${digest}`;
}

/** The day of an instant, counted from 1970 (UTC). */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}
