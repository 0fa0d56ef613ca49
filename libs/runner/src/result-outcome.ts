import {
  encodeValue,
  GantryError,
  LIMITS,
  RequestSizeError,
  toWireError,
  type Outcome,
} from '@gantry/protocol';

import { outcomeOfThrown } from './thrown-value.ts';

/** The outcome of code that returned `value`; a value that cannot travel, or is too large to, is a failure. */
export function outcomeOfResult(value: unknown): Outcome {
  try {
    const encoded = encodeValue(value);
    return encoded.length > LIMITS.payloadBytes
      ? failure(tooLarge(encoded))
      : { type: 'value', value: encoded };
  } catch (error) {
    return outcomeOfUnsendable(error);
  }
}

/** The outcome for a value that could not be encoded: what is no refusal of ours comes from user code. */
export function outcomeOfUnsendable(error: unknown): Outcome {
  // Reading a value runs its getters and traps.
  return isRefusal(error) ? failure(error) : outcomeOfThrown(error);
}

function isRefusal(error: unknown): boolean {
  try {
    return error instanceof GantryError;
  } catch {
    return false;
  }
}

// Refused here, not by the worker: a frame that holds it may be too large to send at all.
function tooLarge(encoded: Uint8Array): RequestSizeError {
  const megabytes = Math.ceil(encoded.length / 1_000_000);
  return new RequestSizeError(
    `a result of ${megabytes} MB is above the limit of ${LIMITS.payloadBytes / 1_000_000} MB`,
    {
      hint: 'Write it to a volume or a bucket, and pass its name.',
    },
  );
}

function failure(error: unknown): Outcome {
  return { type: 'failure', failure: toWireError(error) };
}
