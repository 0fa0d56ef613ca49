import { fileURLToPath } from 'node:url';

/** A place in a file, as Node runs it. */
export interface CallSite {
  /** Absolute path. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

const POSITION = /\(?((?:file:\/\/)?\/[^()]+):(\d+):\d+\)?$/;

/** Where the function or constructor that is running was called; undefined where the engine does not say. */
export function callSiteOf(callee: (...args: never[]) => unknown): CallSite | undefined {
  const holder: { stack?: unknown } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, callee);
  const lines = String(holder.stack).trimEnd().split('\n');
  Error.stackTraceLimit = limit;
  const [, place = '', line = ''] = POSITION.exec(lines.at(-1) ?? '') ?? [];
  if (place === '') return undefined;
  return { file: place.startsWith('file://') ? fileURLToPath(place) : place, line: Number(line) };
}
