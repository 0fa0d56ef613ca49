import { pathToFileURL } from 'node:url';

import { encodeValue, LIMITS, type Outcome } from '@gantry/protocol';

/** The message of an error is part of its stack: neither may grow without bound. */
const MOST_TEXT_CHARS = 100_000;
const MOST_ERRORS = 100;

/** The outcome for something that user code threw, whatever it is. */
export function outcomeOfThrown(thrown: unknown): Outcome {
  const stack = trimStack(thrown);
  return { type: 'error', error: encodeThrown(thrown), stack };
}

/**
 * Takes the runner's own frames from the stack of an error, and of the errors in it, for good. Returns what is left
 * of its own.
 */
export function trimStack(thrown: unknown): string | undefined {
  const trimmed = new Set<unknown>();
  const waiting = [thrown];
  while (waiting.length > 0 && trimmed.size < MOST_ERRORS) {
    const error = waiting.shift();
    if (trimmed.has(error)) continue;
    trimmed.add(error);
    const stack = stackOf(error);
    if (stack !== undefined) replaceStack(error as Error, stack);
    waiting.push(...errorsIn(error));
  }
  return stackOf(thrown);
}

/** The cause of an error, and those that it brings together. */
function errorsIn(thrown: unknown): unknown[] {
  try {
    if (!(thrown instanceof Error)) return [];
    const { cause, errors } = thrown as { cause?: unknown; errors?: unknown };
    return [cause, ...(Array.isArray(errors) ? errors.slice(0, MOST_ERRORS) : [])];
  } catch {
    return [];
  }
}

function replaceStack(error: Error, stack: string): void {
  try {
    error.stack = stack;
  } catch {
    // A frozen error keeps what it has.
  }
}

/** Encodes a thrown value; if it cannot be encoded, or is above what may be sent, an error with its name and message in its place. */
export function encodeThrown(thrown: unknown): Uint8Array {
  try {
    const encoded = encodeValue(thrown);
    if (encoded.length <= LIMITS.payloadBytes) return encoded;
  } catch {
    // A proxy, or a getter that throws where it must not.
  }
  const copy = new Error(messageOf(thrown).slice(0, MOST_TEXT_CHARS));
  copy.name = nameOf(thrown);
  copy.stack = stackOf(thrown) ?? '';
  return encodeValue(copy);
}

function nameOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.name) : 'Error';
  } catch {
    return 'Error';
  }
}

/**
 * The stack of a thrown error, with places in the user's sources and without those of the runner; undefined for
 * what has none.
 */
export function stackOf(thrown: unknown): string | undefined {
  try {
    if (!(thrown instanceof Error) || typeof thrown.stack !== 'string') return undefined;
    return thrown.stack
      .split('\n')
      .filter((line) => !isOwnFrame(line))
      .join('\n')
      .slice(0, MOST_TEXT_CHARS);
  } catch {
    return undefined;
  }
}

let ownFolders: readonly string[] | undefined;

/** A bundle never lies beside the runner. */
function isOwnFrame(line: string): boolean {
  if (!/^\s+at /.test(line)) return false;
  // As an ES module, and as the CommonJS that it is bundled to. Most runners never ask.
  ownFolders ??= [pathToFileURL(import.meta.dirname).href, import.meta.dirname].map((folder) => `${folder}/`);
  return [...ownFolders, 'AsyncLocalStorage.run '].some((text) => line.includes(text));
}

export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return 'a value that cannot be shown was thrown';
  }
}
