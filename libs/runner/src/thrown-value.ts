import { pathToFileURL } from 'node:url';

import { encodeValue, LIMITS, type Outcome } from '@gantry/protocol';

/** The message of an error is part of its stack: neither may grow without bound. */
const MOST_TEXT_CHARS = 100_000;

/** The outcome for something that user code threw, whatever it is. */
export function outcomeOfThrown(thrown: unknown): Outcome {
  const stack = trimStack(thrown);
  return { type: 'error', error: encodeThrown(thrown), stack };
}

/** Takes the runner's own frames from the stack of an error, for good. Returns what is left. */
export function trimStack(thrown: unknown): string | undefined {
  const stack = stackOf(thrown);
  if (stack !== undefined) replaceStack(thrown as Error, stack);
  return stack;
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
      .filter((line) => !RUNNER_FRAME.test(line))
      .join('\n')
      .slice(0, MOST_TEXT_CHARS);
  } catch {
    return undefined;
  }
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const OWN_FOLDER = escaped(pathToFileURL(import.meta.dirname).href);
// A bundle never lies beside the runner.
const RUNNER_FRAME = new RegExp(`^\\s+at .*(?:${OWN_FOLDER}/|AsyncLocalStorage\\.run )`);

export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return 'a value that cannot be shown was thrown';
  }
}
