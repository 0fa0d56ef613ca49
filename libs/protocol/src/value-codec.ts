import { Encoder, Tag } from 'cbor-x/encode';

import { DeserializationError, SerializationError } from './errors.ts';
import { GantryError } from './gantry-error.ts';
import { speedUpDecoding } from './native-decoding.ts';
import { isPlainValue } from './plain-value.ts';
import { lowerValue } from './value-graph.ts';
import { reviveValue } from './value-revival.ts';

export { registerErrorClass, registerType, type KnownClass } from './known-classes.ts';

// `useRecords: false`: cbor-x's record extension keeps state between values; ours stand alone.
// `variableMapSize`: without it, an object of more than 65,535 keys loses some.
const values = new Encoder({
  useRecords: false,
  variableMapSize: true,
  mapsAsObjects: true,
  tagUint8Array: false,
  copyBuffers: true,
});

/** Marks the graph form; a plain value never starts with a tag. */
const GRAPH_TAG = 0x6761;
const TAG_BYTE = 0xd9;

/**
 * Encodes any value that structured clone carries, and errors and registered classes as themselves.
 *
 * Beyond structured clone: `URL` travels; a view travels with its own bytes alone, not with the buffer below
 * it; named properties of arrays do not travel; of an error what cannot be sent is left out.
 *
 * @param name - What error messages call the value.
 * @throws {@link SerializationError} on functions, symbols, promises and the like; the message holds the path.
 *
 * @example
 * ```ts
 * decodeValue(encodeValue(new Map([['at', new Date()]])));
 * ```
 */
export function encodeValue(value: unknown, name = 'value'): Uint8Array {
  try {
    if (isPlainValue(value)) return values.encode(value);
    return values.encode(new Tag(lowerValue(value, name), GRAPH_TAG));
  } catch (cause) {
    if (cause instanceof GantryError) throw cause;
    throw new SerializationError(`"${name}" could not be read: ${String(cause)}`, { cause });
  }
}

/**
 * Decodes what {@link encodeValue} made. The result shares no memory with `bytes`.
 *
 * @throws {@link DeserializationError} if the bytes are no such value.
 */
export function decodeValue(bytes: Uint8Array): unknown {
  speedUpDecoding(bytes.length);
  try {
    // A fresh view: cbor-x writes a property on what it decodes, and would make Buffers out of a Buffer.
    const decoded: unknown = values.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (bytes[0] !== TAG_BYTE) return decoded;
    const { value, tag } = decoded as Tag;
    if (tag !== GRAPH_TAG) throw new DeserializationError(`the value has the unknown form ${tag}`);
    return reviveValue(value);
  } catch (cause) {
    if (cause instanceof GantryError) throw cause;
    throw new DeserializationError('a value could not be decoded', { cause });
  }
}
