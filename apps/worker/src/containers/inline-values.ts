import { decodeFrame, type Payload, type ServerMessage, type StreamEnd } from '@gantry/protocol';

import type { Payloads } from '../inputs/payloads.ts';

type Output = Extract<ServerMessage, { type: 'output' }>;
type Values = Extract<ServerMessage, { type: 'values' }>;

/** True if the message holds a blob, which containers do not see. */
export function holdsBlob(message: Output | Values, payloads: Payloads): boolean {
  if (message.type === 'values') return message.values.some(isBlob);
  if (payloads.isBlob(message.outcome)) return true;
  const tail = message.stream?.tail;
  return tail !== undefined && (!Array.isArray(tail) || tail.some(isBlob));
}

/** The message with everything inline. */
export async function withInlineValues(message: Output | Values, payloads: Payloads): Promise<ServerMessage> {
  if (message.type === 'values') return { ...message, values: await inlineAll(message.values, payloads) };
  const outcome = await payloads.inlineOutcome(message.outcome);
  if (!message.stream) return { ...message, outcome };
  return { ...message, outcome, stream: await inlineTail(message.stream, payloads) };
}

async function inlineTail(stream: StreamEnd, payloads: Payloads): Promise<StreamEnd> {
  const tail = Array.isArray(stream.tail)
    ? stream.tail
    : decodeFrame<Payload[]>(await payloads.fetch(stream.tail));
  return { ...stream, tail: await inlineAll(tail, payloads) };
}

function inlineAll(values: readonly Payload[], payloads: Payloads): Promise<Payload[]> {
  return Promise.all(values.map((value) => (isBlob(value) ? payloads.fetch(value) : value)));
}

function isBlob(payload: Payload): payload is Exclude<Payload, Uint8Array> {
  return !(payload instanceof Uint8Array);
}
