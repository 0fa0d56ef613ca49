import { Encoder } from 'cbor-x/encode';

import { DeserializationError } from './errors.ts';
import { speedUpDecoding } from './native-decoding.ts';

// `useRecords: false`: cbor-x's record extension keeps state between messages; ours stand alone.
const frames = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
});

/** Encodes one protocol message or frame: plain data and bytes only. */
export function encodeFrame(message: unknown): Uint8Array {
  return frames.encode(message);
}

/**
 * Decodes what {@link encodeFrame} made.
 *
 * @throws {@link DeserializationError} if the bytes are no such message.
 */
export function decodeFrame<TMessage>(bytes: Uint8Array): TMessage {
  speedUpDecoding(bytes.length);
  try {
    return frames.decode(bytes) as TMessage;
  } catch (cause) {
    throw new DeserializationError('a message could not be decoded', { cause });
  }
}

/** Encodes flat data with sorted keys: equal data, equal bytes. */
export function encodeCanonical(data: Readonly<Record<string, unknown>>): Uint8Array {
  const sorted = Object.keys(data)
    .sort()
    .map((key) => [key, data[key]]);
  return frames.encode(sorted);
}
