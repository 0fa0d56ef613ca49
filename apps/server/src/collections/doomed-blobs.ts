import type { BlobStore } from '@gantry/blobs';
import type { Logger } from '@gantry/telemetry';

/** Whoever was given the name of a blob has so long to read it. */
const GRACE_MS = 60_000;

/** Blobs of large values that were removed or replaced: they go a minute later. */
export class DoomedBlobs {
  readonly #blobs: BlobStore;
  readonly #log: Logger;
  readonly #doomed = new Map<string, number>();

  constructor(blobs: BlobStore, log: Logger) {
    this.#blobs = blobs;
    this.#log = log;
  }

  add(blob: string): void {
    this.#doomed.set(blob, Date.now());
  }

  /** Stores a blob again, as of today, and says its name. */
  async refresh(blob: string): Promise<string> {
    return (await this.#blobs.putValue(await this.#blobs.getBytes(blob))).name;
  }

  sweep(): void {
    for (const [blob, atMs] of this.#doomed) {
      if (Date.now() - atMs < GRACE_MS) return;
      this.#doomed.delete(blob);
      // What is left over is removed with the other values of its day.
      this.#blobs.delete(blob).catch((err: unknown) => this.#log.warn({ err }, 'removing a large value'));
    }
  }
}
