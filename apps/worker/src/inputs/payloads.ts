import type { BlobStore } from '@gantry/blobs';
import { LIMITS, RequestSizeError, toWireError, type Outcome, type Payload } from '@gantry/protocol';

/** Moves payloads between their inline form and the blob store. Methods are synchronous where no blob is needed. */
export class Payloads {
  readonly #blobs: BlobStore;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** The bytes of a payload that is a blob. */
  async fetch(payload: Exclude<Payload, Uint8Array>): Promise<Uint8Array> {
    return this.#blobs.getBytes(payload.blob);
  }

  /** The form in which bytes travel through NATS. */
  async store(bytes: Uint8Array): Promise<Payload> {
    if (bytes.length <= LIMITS.inlinePayloadBytes) return bytes;
    const { name, sizeBytes } = await this.#blobs.putValue(bytes);
    return { blob: name, sizeBytes };
  }

  /** True if the outcome has to go through {@link Payloads.storeOutcome} first. */
  isLarge(outcome: Outcome): boolean {
    const payload = payloadOf(outcome);
    return payload instanceof Uint8Array && payload.length > LIMITS.inlinePayloadBytes;
  }

  /** True if the outcome has to go through {@link Payloads.inlineOutcome} before a container gets it. */
  isBlob(outcome: Outcome): boolean {
    const payload = payloadOf(outcome);
    return payload !== undefined && !(payload instanceof Uint8Array);
  }

  /** Puts a large value or error into the blob store; one above the limit becomes a `RequestSizeError`. */
  async storeOutcome(outcome: Outcome): Promise<Outcome> {
    const payload = payloadOf(outcome);
    if (!(payload instanceof Uint8Array)) return outcome;
    if (payload.length > LIMITS.payloadBytes)
      return { type: 'failure', failure: toWireError(tooLarge(payload)) };
    const stored = await this.store(payload);
    return outcome.type === 'value'
      ? { ...outcome, value: stored }
      : ({ ...outcome, error: stored } as Outcome);
  }

  /** The outcome with its payload inline, as containers see it. */
  async inlineOutcome(outcome: Outcome): Promise<Outcome> {
    const payload = payloadOf(outcome);
    if (payload === undefined || payload instanceof Uint8Array) return outcome;
    const bytes = await this.fetch(payload);
    return outcome.type === 'value'
      ? { ...outcome, value: bytes }
      : ({ ...outcome, error: bytes } as Outcome);
  }
}

/** The error for a payload above the limit. */
export function tooLarge(payload: Uint8Array): RequestSizeError {
  const megabytes = Math.ceil(payload.length / 1_000_000);
  return new RequestSizeError(
    `a value of ${megabytes} MB is above the limit of ${LIMITS.payloadBytes / 1_000_000} MB`,
    {
      hint: 'Write it to a volume or a bucket, and pass its name.',
    },
  );
}

function payloadOf(outcome: Outcome): Payload | undefined {
  if (outcome.type === 'value') return outcome.value;
  return outcome.type === 'error' ? outcome.error : undefined;
}
