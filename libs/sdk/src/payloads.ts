import { LIMITS, RequestSizeError, type Payload } from '@gantry/protocol';

/** Takes encoded values to where the other side finds them. */
export interface PayloadStore {
  /** At once for small values; after an upload for those above 512 KiB. */
  store(bytes: Uint8Array): Payload | Promise<Payload>;
  load(name: string): Promise<Uint8Array>;
  /** Whatever its size, a value is handed over as it is. */
  readonly isInline?: boolean;
}

/** Moves values to and from a server. */
export interface ValueTransfer {
  /** Returns the name under which the bytes are found. */
  putValue(digest: string, bytes: Uint8Array): Promise<string>;
  getValue(name: string): Promise<Uint8Array>;
}

/** Large values go through the blob store. */
export class BlobPayloads implements PayloadStore {
  readonly #values: ValueTransfer;

  constructor(values: ValueTransfer) {
    this.#values = values;
  }

  store(bytes: Uint8Array): Payload | Promise<Payload> {
    return bytes.length <= LIMITS.inlinePayloadBytes ? bytes : this.#upload(bytes);
  }

  load(name: string): Promise<Uint8Array> {
    return this.#values.getValue(name);
  }

  async #upload(bytes: Uint8Array): Promise<Payload> {
    const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
    const hex = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
    return { blob: await this.#values.putValue(`sha256-${hex}`, bytes), sizeBytes: bytes.length };
  }
}

/** Inside a container every value is inline: the worker stores and fetches large ones. */
export const inlinePayloads: PayloadStore = {
  isInline: true,
  store: (bytes) => bytes,
  load: (name) => Promise.reject(new Error(`the worker passed on the blob "${name}" unread`)),
};

/** @throws {@link RequestSizeError} above 100 MB. */
export function assertPayloadSize(name: string, bytes: Uint8Array): void {
  if (bytes.length <= LIMITS.payloadBytes) return;
  throw new RequestSizeError(
    `${name} take ${bytes.length} bytes, more than the 100 MB that one call may carry`,
    {
      hint: 'Put the data in a volume or bucket and pass its path.',
      details: { sizeBytes: bytes.length, limitBytes: LIMITS.payloadBytes },
    },
  );
}
