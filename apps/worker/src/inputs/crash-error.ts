import { ContainerError, OutOfMemoryError, type ContainerExit } from '@gantry/protocol';

import type { AssignedInput } from './assigned-input.ts';
import type { Crash, InputSite } from './input-settlement.ts';

/** Ends of a container that its code is to blame for. */
export type CrashReason = Extract<ContainerExit['reason'], 'crashed' | 'outOfMemory' | 'heartbeat'>;

const REASONS: readonly string[] = ['crashed', 'outOfMemory', 'heartbeat'] satisfies CrashReason[];

export function isCrash(reason: ContainerExit['reason']): reason is CrashReason {
  return REASONS.includes(reason);
}

/** What the caller of an input is told whose containers crashed. */
export function crashError(
  { message: { inputId } }: AssignedInput,
  { spec }: InputSite,
  { reason, message, crashes }: Crash & { crashes: number },
): ContainerError {
  const subject = `input "${inputId}" of function "${spec.name}"`;
  if (reason === 'outOfMemory') {
    return new OutOfMemoryError(
      `${subject} ran out of memory in ${crashes} containers, alone in the last: ${message}`,
      { hint: 'Raise memoryMiB, or hold less in memory at once.' },
    );
  }
  const did = reason === 'heartbeat' ? 'blocked the event loop of' : 'crashed';
  const hint =
    reason === 'heartbeat'
      ? 'Let long computations pause (`await` something), or move them into a worker thread or a process.'
      : "Look at the container's log for how it ended.";
  return new ContainerError(`${subject} ${did} ${crashes} containers, alone in the last: ${message}`, {
    hint,
  });
}
