import {
  type CancelMessage,
  idTimeMs,
  type InputMessage,
  InputCancellation,
  InvalidError,
  isId,
  LIMITS,
  NotFoundError,
  OutputExpiredError,
  type Outcome,
  type OutputMessage,
  subjects,
  toWireError,
} from '@gantry/protocol';

import type { Messaging } from './messaging.ts';

/** @throws InvalidError unless `callId` has the shape of a call id. */
export function assertCallId(callId: string): void {
  if (typeof callId !== 'string' || !isId(callId, 'fc'))
    throw new InvalidError(`"${String(callId)}" is not a call id`);
}

/** The error for a call of which neither inputs nor outputs exist. */
export function unknownCall(callId: string): NotFoundError | OutputExpiredError {
  const ageMs = Date.now() - idTimeMs(callId);
  if (ageMs > LIMITS.outputRetentionMs) {
    return new OutputExpiredError(`the outputs of call "${callId}" are older than 7 days`, {
      hint: 'Store results that must be kept longer yourself.',
    });
  }
  return new NotFoundError(`call "${callId}" does not exist`, {
    hint: 'Check the id, and which server it came from.',
  });
}

/**
 * Cancels a call: what runs is aborted, what waits is dropped, and every input that has no output yet is
 * answered as cancelled. Harmless to repeat; a call that is finished stays as it is.
 *
 * @throws NotFoundError or OutputExpiredError for an unknown call.
 */
export async function cancelCall(
  messaging: Messaging,
  callId: string,
  terminateContainers: boolean,
): Promise<void> {
  const { inputs, outputs } = messaging;
  const cancel: CancelMessage = { callId, terminateContainers };
  messaging.publish(subjects.cancel, cancel);
  const failure = toWireError(new InputCancellation(`call "${callId}" was cancelled`));
  const answered = await answerInputs(messaging, inputs.readCall(callId), { type: 'failure', failure });
  if (answered === 0) {
    for await (const _output of outputs.read(callId)) return;
    throw unknownCall(callId);
  }
  await inputs.purgeCall(callId);
  // Once more for inputs that a worker took between the first message and the purge.
  messaging.publish(subjects.cancel, cancel);
}

/**
 * Stores one outcome as the output of each input that has none yet, and returns how many inputs there were.
 * The inputs themselves stay in the queue: purge them afterwards.
 */
export async function answerInputs(
  messaging: Messaging,
  waiting: AsyncIterable<InputMessage>,
  outcome: Outcome,
): Promise<number> {
  const stored: Promise<unknown>[] = [];
  for await (const input of waiting) stored.push(messaging.outputs.store(outputOf(input, outcome)));
  await Promise.all(stored);
  return stored.length;
}

function outputOf(input: InputMessage, outcome: Outcome): OutputMessage {
  const now = Date.now();
  return {
    inputId: input.inputId,
    callId: input.callId,
    index: input.index,
    functionId: input.functionId,
    method: input.method,
    outcome,
    attempt: input.attempt,
    startedAtMs: now,
    finishedAtMs: now,
    containerId: '',
  };
}
