import { registryKeys, type VersionsInUse as Record, VERSIONS_RENEWED_MS } from '@gantry/protocol';

export interface VersionsInUseParts {
  registry: { put(key: string, value: unknown): Promise<unknown>; delete(key: string): Promise<void> };
  /** Of the worker or server that has them. */
  holder: string;
  warn(message: string, error: unknown): void;
}

/**
 * Says which versions of volumes this process has mounted, so that their blocks stay, also when no volume has them any
 * more.
 *
 * Invariants
 *   U1. What is said last is what is mounted last: one is written after the other.
 */
export class VersionsInUse {
  readonly #parts: VersionsInUseParts;
  /** How many have it mounted, by root. */
  readonly #users = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: VersionsInUseParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => {
      if (this.#users.size > 0) void this.#write().catch(() => undefined);
    }, VERSIONS_RENEWED_MS).unref();
  }

  /** Resolves when it is known; to be called before a version is mounted, once for each who uses it. */
  async add(root: string | undefined): Promise<void> {
    if (root === undefined) return;
    this.#users.set(root, (this.#users.get(root) ?? 0) + 1);
    try {
      await this.#write();
    } catch (error) {
      this.remove(root);
      throw error;
    }
  }

  /** To be called when it is not mounted any more. */
  remove(root: string | undefined): void {
    if (root === undefined) return;
    const users = (this.#users.get(root) ?? 1) - 1;
    if (users > 0) this.#users.set(root, users);
    else this.#users.delete(root);
    // Until it is written, blocks stay that could go.
    if (users <= 0) void this.#write().catch(() => undefined);
  }

  /** Nothing is mounted any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#users.clear();
    await this.#write().catch(() => undefined);
  }

  #write(): Promise<void> {
    const { registry, holder, warn } = this.#parts;
    const key = registryKeys.versionsInUse(holder);
    const write = this.#writing.then(async () => {
      const record: Record = { roots: [...this.#users.keys()], renewedAtMs: Date.now() };
      await (record.roots.length > 0 ? registry.put(key, record) : registry.delete(key));
    });
    this.#writing = write.catch((error: unknown) => {
      warn('it could not be said which versions of volumes are mounted; it is tried again', error);
    });
    return write;
  }
}
