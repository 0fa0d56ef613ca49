import { type InputMessage, newCallId, newId, newSessionKey, type OutputMessage } from '@gantry/protocol';

/** The session that the sample calls belong to. */
export const sessionKey = newSessionKey();

/** An input of a call of its own, for tests. */
export function newInput(changes: Partial<InputMessage> = {}): InputMessage {
  return {
    inputId: newId('in'),
    callId: newCallId(sessionKey),
    index: 0,
    functionId: newId('fu'),
    method: '',
    args: new Uint8Array([1, 2, 3]),
    attempt: 0,
    ...changes,
  };
}

/** The output of an input, for tests. */
export function outputOf(input: InputMessage, text = 'done'): OutputMessage {
  return {
    inputId: input.inputId,
    callId: input.callId,
    index: input.index,
    outcome: { type: 'value', value: new TextEncoder().encode(text) },
    attempt: input.attempt,
    startedAtMs: 1,
    finishedAtMs: 2,
    containerId: 'ta-1',
  };
}
