import { decodeFrame, encodeFrame } from '@gantry/protocol';

import type { SecretRegistry } from './secret-registry.ts';

/** A registry in memory. Values are stored encoded, as in the real one. */
export class MemoryRegistry implements SecretRegistry {
  readonly #entries = new Map<string, { body: Uint8Array; revision: number }>();
  #revision = 0;

  /** Everything it holds, as one text. */
  get text(): string {
    return [...this.#entries].map(([key, { body }]) => key + Buffer.from(body).toString('latin1')).join('\n');
  }

  async get<T>(key: string): Promise<{ value: T; revision: number } | undefined> {
    const entry = this.#entries.get(key);
    return entry && { value: decodeFrame<T>(entry.body), revision: entry.revision };
  }

  async create(key: string, value: unknown): Promise<boolean> {
    if (this.#entries.has(key)) return false;
    await this.put(key, value);
    return true;
  }

  async update(key: string, value: unknown, revision: number): Promise<boolean> {
    if (this.#entries.get(key)?.revision !== revision) return false;
    await this.put(key, value);
    return true;
  }

  async put(key: string, value: unknown): Promise<number> {
    this.#entries.set(key, { body: encodeFrame(value), revision: ++this.#revision });
    return this.#revision;
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key);
  }

  async list<T>(pattern: string): Promise<{ key: string; value: T }[]> {
    const prefix = pattern.replace(/\*.*$/, '');
    const matching = [...this.#entries].filter(([key]) => key.startsWith(prefix));
    return matching.map(([key, { body }]) => ({ key, value: decodeFrame<T>(body) }));
  }
}
