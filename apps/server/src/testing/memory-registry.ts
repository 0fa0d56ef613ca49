import type { Registry } from '@gantry/messaging';
import { decodeFrame, encodeFrame, GantryTimeoutError } from '@gantry/protocol';

/** What becomes of a write: it is done, lost, or done with its answer lost. */
export type Fate = 'done' | 'lost' | 'answerLost';

/** A registry in memory whose writes can be made to fail. Values are stored encoded, as in the real one. */
export class MemoryRegistry implements Registry {
  readonly #entries = new Map<string, { body: Uint8Array; revision: number }>();
  #revision = 0;
  /** Decides about each write, given how many came before. */
  fateOf: (write: number) => Fate = () => 'done';
  writes = 0;

  /** All values but the deployment records, which failed deploys leave behind. */
  snapshot(): Record<string, unknown> {
    const kept = [...this.#entries].filter(([key]) => !key.startsWith('deployment.'));
    return Object.fromEntries(kept.map(([key, { body }]) => [key, decodeFrame(body)]));
  }

  async get<T>(key: string): Promise<{ value: T; revision: number } | undefined> {
    const entry = this.#entries.get(key);
    return entry && { value: decodeFrame<T>(entry.body), revision: entry.revision };
  }

  async create(key: string, value: unknown): Promise<boolean> {
    return this.#write(() => !this.#entries.has(key) && this.#store(key, value));
  }

  async put(key: string, value: unknown): Promise<number> {
    this.#write(() => this.#store(key, value));
    return this.#revision;
  }

  async update(key: string, value: unknown, revision: number): Promise<boolean> {
    return this.#write(() => this.#entries.get(key)?.revision === revision && this.#store(key, value));
  }

  async delete(key: string): Promise<void> {
    this.#write(() => this.#entries.delete(key));
  }

  async list<T>(pattern: string): Promise<{ key: string; value: T }[]> {
    const prefix = pattern.replace(/\*.*$/, '');
    const matching = [...this.#entries].filter(([key]) => key.startsWith(prefix));
    return matching.map(([key, { body }]) => ({ key, value: decodeFrame<T>(body) }));
  }

  async watch(): Promise<{ stop(): void }> {
    return { stop: () => undefined };
  }

  #write(change: () => boolean): boolean {
    const fate = this.fateOf(this.writes++);
    const result = fate === 'lost' ? false : change();
    if (fate !== 'done') throw new GantryTimeoutError('registry: no answer in time');
    return result;
  }

  #store(key: string, value: unknown): boolean {
    this.#entries.set(key, { body: encodeFrame(value), revision: ++this.#revision });
    return true;
  }
}
