import {
  canonicalKey,
  COLLECTION_LIMITS,
  decodeValue,
  type DictKey,
  type DictPage,
  type DictValue,
  encodeValue,
  HANDLE,
  type HandleState,
  InvalidError,
  NotFoundError,
  type CollectionSummary,
  type Payload,
  registerHandle,
} from '@gantry/protocol';

import { type EphemeralArgs, openFor } from '../ephemeral.ts';
import { checkKeys } from '../option-checks.ts';
import type { FromNameOptions } from '../remote-function.ts';
import {
  CollectionHandle,
  type CollectionOptions,
  type CollectionReference,
  deleteCollection,
  listCollections,
  MESSAGE_BYTES,
  openEphemeral,
} from './collection-handle.ts';

export type DictOptions = CollectionOptions;

const OPTIONS = ['environment', 'client', 'createIfMissing'];
const LOOKUP_OPTIONS = ['environment', 'client'];

/**
 * Entries by key, shared by programs and containers. What is put is stored before `put` resolves; what is read is a copy.
 *
 * Keys are equal if their values are, such as `{ a: 1, b: 2 }` and `{ b: 2, a: 1 }`; they are plain data of at most 8 KiB. A
 * value has at most 100 MiB, and better less than 5. An entry that was neither read nor written for 7 days is removed.
 *
 * @example
 * ```ts
 * const seen = Dict.fromName<string, number>('seen', { createIfMissing: true });
 * await seen.put('https://example.org/', Date.now());
 * if (await seen.put('job-7', 1, { skipIfExists: true })) await start('job-7');   // one of all who try
 * for await (const [url, atMs] of seen.items()) console.log(url, atMs);
 * ```
 */
export class Dict<K = unknown, V = unknown> {
  readonly #handle: CollectionHandle;

  /** @internal Made by {@link Dict.fromName} and {@link Dict.ephemeral}. */
  constructor(handle: CollectionHandle) {
    this.#handle = handle;
  }

  /** A handle; nothing is looked up or made before its first use. */
  static fromName<K = unknown, V = unknown>(name: string, options: DictOptions = {}): Dict<K, V> {
    checkKeys('Dict.fromName', options, OPTIONS);
    return new Dict(new CollectionHandle('dict', name, options));
  }

  /**
   * A dict without a name. It is removed some time after the scope of `await using` is left, or the callback or the program
   * has ended.
   *
   * @example
   * ```ts
   * await using scratch = await Dict.ephemeral<string, number>();
   * const best = await Dict.ephemeral(async (scores: Dict<string, number>) => search(scores));
   * ```
   */
  static async ephemeral<K = unknown, V = unknown>(
    options?: FromNameOptions,
  ): Promise<Dict<K, V> & AsyncDisposable>;
  static async ephemeral<K, V, T>(use: (dict: Dict<K, V>) => T): Promise<Awaited<T>>;
  static async ephemeral<K, V, T>(
    options: FromNameOptions,
    use: (dict: Dict<K, V>) => T,
  ): Promise<Awaited<T>>;
  static async ephemeral(...args: EphemeralArgs<Dict & AsyncDisposable>): Promise<unknown> {
    return openFor(args, async (options) => {
      checkKeys('Dict.ephemeral', options, LOOKUP_OPTIONS);
      const { handle, end } = await openEphemeral('dict', options);
      return Object.assign(new Dict(handle), { [Symbol.asyncDispose]: end });
    });
  }

  /**
   * Deletes a dict with its entries.
   *
   * @throws NotFoundError if there is none of the name.
   */
  static async delete(name: string, options: FromNameOptions = {}): Promise<void> {
    checkKeys('Dict.delete', options, LOOKUP_OPTIONS);
    await deleteCollection('dict', name, options);
  }

  /** The dicts of the environment, by name. */
  static async list(options: FromNameOptions = {}): Promise<CollectionSummary[]> {
    checkKeys('Dict.list', options, LOOKUP_OPTIONS);
    return await listCollections('dict', options);
  }

  get name(): string {
    return this.#handle.name;
  }

  /**
   * Looks the dict up, or makes it with `createIfMissing`. Otherwise that happens at the first use.
   *
   * @throws NotFoundError if there is none of the name.
   */
  async hydrate(): Promise<this> {
    await this.#handle.ready();
    return this;
  }

  /** @throws ExecutionError before the first use. */
  get objectId(): string {
    return this.#handle.objectId;
  }

  /** The value of a key; `defaultValue` if there is none. */
  async get(key: K): Promise<V | undefined>;
  async get<D>(key: K, defaultValue: D): Promise<V | D>;
  async get(key: K, defaultValue?: unknown): Promise<unknown> {
    const id = canonicalKey(key);
    const { value } = await this.#handle.perform<DictValue>((dict) => ({
      do: 'dict.get',
      id: dict,
      key: id,
    }));
    return value === undefined ? defaultValue : decoded(value);
  }

  async has(key: K): Promise<boolean> {
    const id = canonicalKey(key);
    return await this.#handle.perform((dict) => ({ do: 'dict.has', id: dict, key: id }));
  }

  /** Another name of {@link has}. */
  async contains(key: K): Promise<boolean> {
    return await this.has(key);
  }

  /**
   * Writes an entry. With `skipIfExists` one that is there stays as it is: of several that try at once, one writes.
   *
   * @returns whether it was written.
   * @throws SerializationError, RequestSizeError for a value above 100 MiB.
   */
  async put(key: K, value: V, options: { skipIfExists?: boolean } = {}): Promise<boolean> {
    checkKeys('put', options, ['skipIfExists']);
    const entry = await this.#entry(key, value);
    const { skipIfExists = false } = options;
    return await this.#handle.perform((id) => ({ do: 'dict.put', id, ...entry, skipIfExists }));
  }

  /**
   * Writes up to 10,000 entries: of a `Map`, or by the names of an object. Large updates are written in parts.
   *
   * @throws InvalidError for more of them, and for what is neither.
   */
  async update(entries: ReadonlyMap<K, V> | Readonly<Record<string, V>>): Promise<void> {
    const all = entriesOf<K, V>(entries);
    if (all.length > COLLECTION_LIMITS.dictUpdate) {
      throw new InvalidError(
        `an update of ${all.length} entries is above the limit of ${COLLECTION_LIMITS.dictUpdate}`,
        { hint: 'Split it.' },
      );
    }
    // All of them are encoded before the first is written: what cannot be sent changes nothing.
    const encoded = await Promise.all(all.map(([key, value]) => this.#entry(key, value)));
    for (let first = 0; first < encoded.length;) {
      const part = partOf(encoded, first);
      await this.#handle.perform((id) => ({ do: 'dict.update', id, entries: part }));
      first += part.length;
    }
  }

  /**
   * Removes an entry and returns its value: of several that try at once, one gets it.
   *
   * @throws NotFoundError if there is no such entry.
   */
  async pop(key: K): Promise<V> {
    const removed = await this.#remove(key);
    if (removed.value !== undefined) return decoded(removed.value) as V;
    throw new NotFoundError(`dict "${this.name}" has no entry of the key ${canonicalKey(key)}`, {
      hint: 'Ask with has() or get(), or catch this.',
    });
  }

  /** Removes an entry; says whether there was one. */
  async delete(key: K): Promise<boolean> {
    return (await this.#remove(key)).value !== undefined;
  }

  /** How many entries there are, up to 100,000. */
  async len(): Promise<number> {
    return await this.#handle.perform((id) => ({ do: 'dict.len', id }));
  }

  /** Removes all entries. */
  async clear(): Promise<void> {
    await this.#handle.perform((id) => ({ do: 'dict.clear', id }));
  }

  /** All keys. What is written while the iteration goes on may be part of it; the order is none to rely on. */
  async *keys(): AsyncGenerator<K> {
    for await (const { key } of this.#pages(false)) yield decodeValue(key) as K;
  }

  /** All values, see {@link keys}. */
  async *values(): AsyncGenerator<V> {
    for await (const { value } of this.#pages(true)) yield decoded(value as Payload) as V;
  }

  /** All entries, see {@link keys}. */
  async *items(): AsyncGenerator<[K, V]> {
    for await (const { key, value } of this.#pages(true)) {
      yield [decodeValue(key) as K, decoded(value as Payload) as V];
    }
  }

  /** Another name of {@link items}. */
  entries(): AsyncGenerator<[K, V]> {
    return this.items();
  }

  /** @internal As an argument or result it arrives as a handle on the same dict. */
  [HANDLE](): HandleState {
    return { kind: 'gantry.Dict', state: this.#handle.reference() };
  }

  async #entry(key: K, value: V): Promise<{ key: DictKey; value: Payload }> {
    const id = canonicalKey(key);
    const encoded = encodeValue(value);
    this.#handle.assertSize(encoded, COLLECTION_LIMITS.dictValueBytes);
    return { key: { id, bytes: encodeValue(key, 'key') }, value: await this.#handle.payload(encoded) };
  }

  async #remove(key: K): Promise<DictValue> {
    const id = canonicalKey(key);
    return await this.#handle.perform((dict) => ({ do: 'dict.remove', id: dict, key: id }));
  }

  async *#pages(withValues: boolean): AsyncGenerator<DictPage['entries'][number]> {
    for (let after: number | undefined = 0; after !== undefined;) {
      const from: number = after;
      const page: DictPage = await this.#handle.perform((id) => ({
        do: 'dict.page',
        id,
        after: from,
        withValues,
      }));
      yield* page.entries;
      after = page.after;
    }
  }
}

registerHandle('gantry.Dict', (state: CollectionReference) => {
  const { id, name, environment, createIfMissing } = state;
  return new Dict(new CollectionHandle('dict', name, { id, environment, createIfMissing }));
});

/** @throws InvalidError for what is no `Map`, and no object of names. */
function entriesOf<K, V>(entries: ReadonlyMap<K, V> | Readonly<Record<string, V>>): [K, V][] {
  if (entries instanceof Map) return [...entries] as [K, V][];
  if (typeof entries === 'object' && entries !== null && !(Symbol.iterator in entries))
    return Object.entries(entries) as [K, V][];
  throw new InvalidError('update: what is to be written is no entries', {
    hint: 'Give a Map, or an object whose names are the keys.',
  });
}

function decoded(payload: Payload): unknown {
  return decodeValue(payload as Uint8Array);
}

function partOf<T extends { key: DictKey; value: Payload }>(entries: readonly T[], first: number): T[] {
  const part: T[] = [];
  let bytes = 0;
  for (const entry of entries.slice(first)) {
    const { key, value } = entry;
    bytes += key.id.length + key.bytes.length + (value instanceof Uint8Array ? value.length : 0);
    if (part.length > 0 && bytes > MESSAGE_BYTES) return part;
    part.push(entry);
  }
  return part;
}
