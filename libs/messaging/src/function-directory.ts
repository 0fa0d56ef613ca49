import { type FunctionRecord, registryKeys } from '@gantry/protocol';

import type { Messaging } from './messaging.ts';

/** A change of one function; `record` is undefined when it is gone. */
export interface FunctionChange {
  functionId: string;
  record: FunctionRecord | undefined;
}

const FUNCTION_ID = /^[\w-]{1,64}$/;

/** A copy of all function records that follows the registry, for look-ups without a request. */
export class FunctionDirectory {
  readonly #messaging: Messaging;
  readonly #records = new Map<string, FunctionRecord>();
  /** Ids by environment, app (id and name) and function name. */
  readonly #ids = new Map<string, string>();
  readonly #listeners = new Set<(change: FunctionChange) => void>();
  #watch: { stop(): void } | undefined;

  private constructor(messaging: Messaging) {
    this.#messaging = messaging;
  }

  /** Resolves when the directory holds every function that is registered now. */
  static async open(messaging: Messaging): Promise<FunctionDirectory> {
    const directory = new FunctionDirectory(messaging);
    const prefixLength = registryKeys.function('').length;
    directory.#watch = await messaging.registry.watch<FunctionRecord>(registryKeys.allFunctions, (change) => {
      directory.#apply({ functionId: change.key.slice(prefixLength), record: change.value });
    });
    return directory;
  }

  get(functionId: string): FunctionRecord | undefined {
    return this.#records.get(functionId);
  }

  /** Like `get`, but asks the registry about a function that is not known here (yet). */
  async fetch(functionId: string): Promise<FunctionRecord | undefined> {
    const known = this.#records.get(functionId);
    if (known) return known;
    // Whoever asks for it: what cannot be part of a registry key is no id.
    if (!FUNCTION_ID.test(functionId)) return undefined;
    const found = await this.#messaging.registry.get<FunctionRecord>(registryKeys.function(functionId));
    return found?.value;
  }

  /** Finds a function or class by the name or id of its app; a running one before a stopped one. */
  find(environment: string, app: string, name: string): FunctionRecord | undefined {
    const id = this.#ids.get(nameKey(environment, app, name));
    return id === undefined ? undefined : this.#records.get(id);
  }

  all(): FunctionRecord[] {
    return [...this.#records.values()];
  }

  /** Calls `listener` after each change, and at first for every function that is known. */
  onChange(listener: (change: FunctionChange) => void): { stop(): void } {
    this.#listeners.add(listener);
    for (const [functionId, record] of this.#records) listener({ functionId, record });
    return { stop: () => void this.#listeners.delete(listener) };
  }

  close(): void {
    this.#watch?.stop();
    this.#listeners.clear();
  }

  #apply(change: FunctionChange): void {
    const { functionId, record } = change;
    const before = this.#records.get(functionId);
    if (before) this.#unindex(before);
    if (record) {
      this.#records.set(functionId, record);
      this.#index(record);
    } else this.#records.delete(functionId);
    for (const listener of this.#listeners) listener(change);
  }

  #index(record: FunctionRecord): void {
    for (const key of namesOf(record)) {
      const holder = this.#records.get(this.#ids.get(key) ?? '');
      if (holder && holder.id !== record.id && record.stopped) continue;
      this.#ids.set(key, record.id);
    }
  }

  #unindex(record: FunctionRecord): void {
    for (const key of namesOf(record)) if (this.#ids.get(key) === record.id) this.#ids.delete(key);
  }
}

function namesOf(record: FunctionRecord): string[] {
  const apps = record.appName === undefined ? [record.appId] : [record.appId, record.appName];
  return apps.map((app) => nameKey(record.environment, app, record.spec.name));
}

// Names hold no spaces.
function nameKey(environment: string, app: string, name: string): string {
  return `${environment} ${app} ${name}`;
}
