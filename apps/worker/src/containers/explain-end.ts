import { type ContainerEnd, UNSTARTABLE_IMAGE_HINT } from '@gantry/containers';
import {
  ContainerError,
  encodeValue,
  isGantryError,
  type ContainerExit,
  type RunnerToWorker,
} from '@gantry/protocol';

import type { AssignedInput } from '../inputs/assigned-input.ts';

/** An error above this is told by its message alone. */
const MOST_ERROR_BYTES = 64 * 1024;

/** What may be wrong with an image that leads to an exit code before the runner was heard of. */
const IMAGE_HINTS: Partial<Record<number, string>> = {
  0: 'Its entrypoint must end in running its arguments: exec "$@".',
  126: UNSTARTABLE_IMAGE_HINT,
  127: UNSTARTABLE_IMAGE_HINT,
};

export type EndReason = Pick<ContainerExit, 'reason' | 'message' | 'error'>;

/** What the worker knows about the end of a container besides how its process ended. */
export interface EndCircumstances {
  /** Of the function. */
  name: string;
  /** Its runner has said something. */
  wasHeard: boolean;
  /** Why the worker, or the runner, wanted it to end, if one did. */
  askedFor: EndReason | undefined;
  /** Node said that it had no memory left. */
  ranOutOfMemory: boolean;
  /** How much it could hold; undefined for no limit. */
  memoryLimitMiB: number | undefined;
  /** Strikes out what is secret. */
  mask(text: string): string;
}

/** Why a container ended. */
export function explainEnd(end: ContainerEnd, circumstances: EndCircumstances): ContainerExit {
  const { message, ...reason } = reasonOf(end, circumstances);
  const shown = message === undefined ? undefined : circumstances.mask(message);
  return { ...reason, message: shown, code: end.code, signal: end.signal };
}

/** Why a container is killed whose input does not end although it was told to. */
export function stuckReason(
  { message: { inputId } }: AssignedInput,
  reason: 'cancelled' | 'timeout',
  timeoutMs: number,
): [reason: ContainerExit['reason'], message: string] {
  return reason === 'cancelled'
    ? ['killed', `input ${inputId} was cancelled, and its code went on`]
    : ['timeout', `input ${inputId} did not end within its timeout of ${timeoutMs} ms`];
}

/** The reason in what a runner says when its code fails outside every input. */
export function reportedEnd(message: Extract<RunnerToWorker, { type: 'loadFailed' | 'crashed' }>): EndReason {
  if (message.type === 'crashed') {
    return { reason: 'crashed', message: `its code threw outside every input: ${message.message}` };
  }
  const { error, message: text, stack = text } = message;
  const isSmall = error.length <= MOST_ERROR_BYTES;
  return { reason: 'loadFailed', message: stack, ...(isSmall && { error }) };
}

/** The reason when the worker itself could not start the container. */
export function startFailure(name: string, cause: unknown): EndReason {
  const message = cause instanceof Error ? cause.message : String(cause);
  const hint = isGantryError(cause) ? cause.hint : undefined;
  const error = new ContainerError(`"${name}" cannot start: ${message}`, { hint, cause });
  return { reason: 'loadFailed', message, error: encodeValue(error) };
}

/** How a process ended, for people. */
export function describeEnd(end: ContainerEnd): string {
  if (end.signal) return `signal ${end.signal}`;
  return end.code === null ? 'never started' : `exit code ${end.code}`;
}

function reasonOf(end: ContainerEnd, circumstances: EndCircumstances): EndReason {
  const { name, wasHeard, askedFor, ranOutOfMemory, memoryLimitMiB } = circumstances;
  if (ranOutOfMemory && end.signal) {
    return { reason: 'outOfMemory', message: 'its JavaScript heap was exhausted' };
  }
  if (askedFor) return askedFor;
  if (end.outOfMemory) {
    const limit = memoryLimitMiB === undefined ? '' : `: its limit is ${memoryLimitMiB} MiB`;
    return { reason: 'outOfMemory', message: `the kernel killed it because memory was short${limit}` };
  }
  const hint = end.code === null || wasHeard ? undefined : IMAGE_HINTS[end.code];
  if (hint !== undefined) {
    const message = `its image did not start the runner: ${describeEnd(end)}`;
    return startFailure(name, new ContainerError(message, { hint }));
  }
  const how = end.signal === 'SIGKILL' ? 'was killed from outside' : 'ended by itself';
  return { reason: 'crashed', message: `its process ${how}: ${describeEnd(end)}` };
}

/** Why a container ends that has lost its volumes, or its buckets. */
export function volumesLost(error: Error): string {
  return `its volumes cannot be read any more: ${error.message}`;
}
