import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/**
 * What a gzip stream holds. Who reads it hears of errors, and nobody else: its source may be destroyed at any time,
 * also before anybody has read, which a composed stream takes for an error of the process.
 */
export function gunzipped(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const readable = source instanceof Readable ? source : Readable.from(source);
  return pipeline(readable, createGunzip(), () => undefined) as AsyncIterable<Uint8Array>;
}
