import type { Registry } from '@gantry/messaging';
import { encodeFrame } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

interface Entry {
  value: unknown;
  revision: number;
}

interface Change {
  key: string;
  value: unknown;
  /** What the key held before; undefined if nothing. */
  before: unknown;
}

const UNDO_AGAIN_MS = 1_000;
const UNDO_FOR_MS = 600_000;
/** So long a caller waits for changes to be taken back; after that it goes on behind its back. */
const UNDO_AWAITED_MS = 2_000;

/**
 * Changes of the registry that belong together and are taken back when one of them fails.
 *
 * A change is remembered before it is sent, since it may be carried out although its answer is lost. A key is
 * restored only if it still holds what was written here, so what somebody else wrote later stays.
 */
export class RevocableChanges {
  readonly #registry: Registry;
  readonly #log: Logger;
  #changes: Change[] = [];

  constructor(registry: Registry, log: Logger) {
    this.#registry = registry;
    this.#log = log;
  }

  /** Writes a key that holds `before`; false if it does not hold that any more. */
  async set(key: string, value: unknown, before: Entry | undefined): Promise<boolean> {
    const change: Change = { key, value, before: before?.value };
    this.#changes.push(change);
    const done = before
      ? await this.#registry.update(key, value, before.revision)
      : await this.#registry.create(key, value);
    if (!done) this.#changes = this.#changes.filter((other) => other !== change);
    return done;
  }

  /** Writes a key, whatever it holds. */
  async put(key: string, value: unknown): Promise<void> {
    for (;;) if (await this.set(key, value, await this.#registry.get(key))) return;
  }

  /**
   * Takes everything back, the last change first. Never throws: while the registry does not answer it is
   * tried again, for ten minutes, of which the caller waits for two seconds at most.
   */
  async undo(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const awaited = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, UNDO_AWAITED_MS);
    });
    await Promise.race([this.#undoAll(), awaited]);
    clearTimeout(timer);
  }

  async #undoAll(): Promise<void> {
    const giveUpAtMs = Date.now() + UNDO_FOR_MS;
    for (let change = this.#changes.pop(); change; change = this.#changes.pop()) {
      while (!(await this.#tryUndo(change))) {
        if (Date.now() > giveUpAtMs) {
          this.#log.error({ key: change.key }, 'a failed deploy could not be taken back');
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, UNDO_AGAIN_MS));
      }
    }
  }

  async #tryUndo({ key, value, before }: Change): Promise<boolean> {
    try {
      const present = await this.#registry.get(key);
      if (!present || !isSame(present.value, value)) return true;
      if (before !== undefined) return await this.#registry.update(key, before, present.revision);
      await this.#registry.delete(key);
      return true;
    } catch (err) {
      this.#log.warn({ err, key }, 'a failed deploy is not taken back yet');
      return false;
    }
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return Buffer.compare(encodeFrame(a), encodeFrame(b)) === 0;
}
