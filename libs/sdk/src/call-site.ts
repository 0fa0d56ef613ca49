import { fileURLToPath } from './node-modules.ts';

/** A place in a file, as Node runs it. */
export interface CallSite {
  /** Absolute path. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

const POSITION = /\(?((?:file:\/\/)?\/[^()]+):(\d+):\d+\)?$/;

/**
 * Where the function or constructor that is running was called; undefined where the engine does not say. Told when it
 * is asked for: the engine may have to read a source map for it.
 */
export function callSiteOf(callee: (...args: never[]) => unknown): () => CallSite | undefined {
  const holder: { stack?: unknown } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, callee);
  Error.stackTraceLimit = limit;
  return () => parse(String(holder.stack));
}

function parse(stack: string): CallSite | undefined {
  const lines = stack.trimEnd().split('\n');
  const [, place = '', line = ''] = POSITION.exec(lines.at(-1) ?? '') ?? [];
  if (place === '') return undefined;
  return { file: place.startsWith('file://') ? fileURLToPath(place) : place, line: Number(line) };
}
