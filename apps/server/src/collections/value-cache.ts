import type { KeptValue } from '@gantry/collections';

/** Which values of dicts and queues are in memory: those used last, up to a bound. The others are in their journals. */
export class ValueCache {
  readonly #mostBytes: number;
  readonly #values = new Set<KeptValue>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** It is in memory, and was used. What is on no disk yet is not for this. */
  add(kept: KeptValue): void {
    if (kept.message.sequence === undefined) return;
    if (this.#values.delete(kept)) this.#bytes -= kept.sizeBytes;
    this.#values.add(kept);
    this.#bytes += kept.sizeBytes;
    for (const oldest of this.#values) {
      if (this.#bytes <= this.#mostBytes) return;
      this.remove(oldest);
      oldest.payload = undefined;
    }
  }

  remove(kept: KeptValue): void {
    if (this.#values.delete(kept)) this.#bytes -= kept.sizeBytes;
  }
}
