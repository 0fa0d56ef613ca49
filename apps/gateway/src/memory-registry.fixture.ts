import type { RegistryChange } from '@gantry/messaging';

type Listener = (change: RegistryChange<never>) => void;

/** A registry without NATS. */
export class MemoryRegistry {
  readonly #entries = new Map<string, { value: unknown; revision: number }>();
  readonly #watches = new Set<{ matches(key: string): boolean; listener: Listener }>();
  #revision = 0;

  /** As a server would; undefined removes the key. */
  set(key: string, value: unknown): void {
    const revision = (this.#revision += 1);
    if (value === undefined) this.#entries.delete(key);
    else this.#entries.set(key, { value, revision });
    for (const { matches, listener } of this.#watches) {
      if (matches(key)) listener({ key, value: value as never, revision });
    }
  }

  async get<T>(key: string): Promise<{ value: T; revision: number } | undefined> {
    return this.#entries.get(key) as { value: T; revision: number } | undefined;
  }

  async create(key: string, value: unknown): Promise<boolean> {
    if (this.#entries.has(key)) return false;
    this.set(key, value);
    return true;
  }

  async update(key: string, value: unknown, revision: number): Promise<boolean> {
    if (this.#entries.get(key)?.revision !== revision) return false;
    this.set(key, value);
    return true;
  }

  async delete(key: string): Promise<void> {
    this.set(key, undefined);
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  async watch<T>(pattern: string, listener: (change: RegistryChange<T>) => void): Promise<{ stop(): void }> {
    const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`);
    const watch = { matches: (key: string) => expression.test(key), listener: listener as Listener };
    this.#watches.add(watch);
    for (const [key, entry] of this.#entries) {
      if (watch.matches(key)) listener({ key, ...(entry as { value: T; revision: number }) });
    }
    return { stop: () => void this.#watches.delete(watch) };
  }
}
