import {
  carriesPayload,
  type ClientMessage,
  COLLECTION_LIMITS,
  InvalidError,
  isBlob,
  LIMITS,
  type Payload,
  replacePayloads,
  RequestSizeError,
  saltedValue,
  type ServerMessage,
  unsaltedValue,
} from '@gantry/protocol';

import type { Payloads } from '../inputs/payloads.ts';

type Asked = Extract<ClientMessage, { type: 'collection' }>;
type Answered = Extract<ServerMessage, { type: 'answer' }>;

/** Values of dicts and queues that do not go through messages as they are. */
export function hasLargeValues({ operation }: Asked): boolean {
  return carriesPayload(operation, (payload) => isBlob(payload) || isLarge(payload));
}

/**
 * What the code of a container asks for, with large values in the blob store.
 *
 * @throws RequestSizeError; InvalidError for a value that the code did not send: it may not name those of others.
 */
export async function withStoredValues(asked: Asked, payloads: Payloads): Promise<Asked> {
  const operation = await replacePayloads(asked.operation, async (payload) => {
    if (!(payload instanceof Uint8Array)) throw new InvalidError('a container sends values as they are');
    if (!isLarge(payload)) return payload;
    if (payload.length > COLLECTION_LIMITS.dictValueBytes) {
      throw new RequestSizeError(`a value of ${payload.length} bytes is above the limit of 100 MiB`, {
        hint: 'Keep it in a volume, and its path here.',
      });
    }
    const stored = await payloads.store(saltedValue(payload));
    return stored instanceof Uint8Array ? stored : { ...stored, sizeBytes: payload.length };
  });
  return { ...asked, operation };
}

export function holdsLargeValues({ value }: Answered): boolean {
  return carriesPayload(value, isBlob);
}

/** An answer as containers see it, with large values read from the blob store. */
export async function withReadValues(answer: Answered, payloads: Payloads): Promise<Answered> {
  const read = async (payload: Payload): Promise<Payload> =>
    isBlob(payload) ? unsaltedValue(await payloads.fetch(payload)) : payload;
  return { ...answer, value: await replacePayloads(answer.value, read) };
}

function isLarge(payload: Uint8Array): boolean {
  return payload.length > LIMITS.inlinePayloadBytes;
}
