import {
  assertName,
  carriesPayload,
  type CollectionKind,
  type CollectionOperation,
  type CollectionRecord,
  type CollectionSummary,
  DEFAULTS,
  ExecutionError,
  InvalidError,
  isBlob,
  isGantryError,
  LIMITS,
  type Payload,
  replacePayloads,
  RequestSizeError,
  saltedValue,
  unsaltedValue,
} from '@gantry/protocol';

import type { Client } from '../client.ts';
import { defaultPlatform } from '../default-platform.ts';
import type { Platform } from '../platform.ts';
import type { FromNameOptions } from '../remote-function.ts';

export interface CollectionOptions extends FromNameOptions {
  /** Make it at its first use if there is none of the name. @defaultValue false */
  createIfMissing?: boolean;
}

/** What a handle of a dict or queue travels as. */
export interface CollectionReference {
  id?: string | undefined;
  name: string;
  environment: string;
  createIfMissing: boolean;
}

type Settings = {
  environment?: string | undefined;
  client?: Client | undefined;
  createIfMissing?: boolean;
  /** Of one without a name. */
  id?: string | undefined;
};

/** Bytes of one message, so that the broker takes it. */
export const MESSAGE_BYTES = 256 * 1024;

/** The way from a handle to its dict or queue. */
export class CollectionHandle {
  readonly kind: CollectionKind;
  readonly name: string;
  readonly #settings: Settings;
  #opening: Promise<CollectionRecord> | undefined;
  #known: CollectionRecord | undefined;
  /** Of the one that was found, until it turns out to be gone. */
  #currentId: string | undefined;

  constructor(kind: CollectionKind, name: string, settings: Settings) {
    this.kind = kind;
    this.name = name;
    this.#settings = settings;
    const { id, environment = DEFAULTS.environment } = settings;
    if (id !== undefined) this.#opening = Promise.resolve({ id, kind, environment, createdAtMs: 0 });
    else assertName(kind, name);
  }

  async ready(): Promise<CollectionRecord> {
    const { name, kind } = this;
    const { createIfMissing = false } = this.#settings;
    this.#opening ??= this.ask<CollectionRecord>({
      do: 'open',
      ...{ kind, name, createIfMissing, environment: this.environment },
    });
    const opening = this.#opening;
    opening.catch(() => (this.#opening = undefined));
    this.#known = await opening;
    if (this.#opening === opening) this.#currentId = this.#known.id;
    return this.#known;
  }

  get objectId(): string {
    if (this.#known) return this.#known.id;
    throw new ExecutionError(`${this.kind} "${this.name}" was not looked up yet, so its id is not known`, {
      hint: 'Use it, or await .hydrate(), first.',
    });
  }

  get environment(): string {
    return this.#settings.environment ?? this.#platform.environment;
  }

  /** Does something with it, by its id. One that was deleted and made anew under its name is found again. */
  async perform<T>(operationOf: (id: string) => CollectionOperation): Promise<T> {
    const id = this.#currentId ?? (await this.ready()).id;
    try {
      return await this.ask<T>(operationOf(id));
    } catch (error) {
      const isGone = isGantryError(error, 'NOT_FOUND') && error.details['collectionId'] === id;
      if (!isGone || this.#settings.id !== undefined) throw error;
      if (this.#currentId === id) this.#opening = this.#currentId = undefined;
      const again = await this.ready();
      return await this.ask<T>(operationOf(again.id));
    }
  }

  /** @throws RequestSizeError for a value that is larger. */
  assertSize(bytes: Uint8Array, mostBytes: number): void {
    if (bytes.length <= mostBytes) return;
    throw new RequestSizeError(
      `a value takes ${bytes.length} bytes, more than the ${mostBytes / 1024 ** 2} MiB that a ${this.kind} takes`,
      {
        hint: 'Keep it in a volume, and its path here.',
        details: { sizeBytes: bytes.length, limitBytes: mostBytes },
      },
    );
  }

  /** A value as it travels: large ones go to the blob store first, outside of containers. */
  async payload(bytes: Uint8Array): Promise<Payload> {
    const { payloads } = this.#platform.tracker;
    if (bytes.length <= LIMITS.inlinePayloadBytes || payloads.isInline) return bytes;
    const stored = await payloads.store(saltedValue(bytes));
    return stored instanceof Uint8Array ? stored : { ...stored, sizeBytes: bytes.length };
  }

  async ask<T>(operation: CollectionOperation): Promise<T> {
    const { tracker } = this.#platform;
    const answer = await tracker.ask((requestId) => ({ type: 'collection', requestId, operation }));
    if (!carriesPayload(answer, isBlob)) return answer as T;
    return await replacePayloads(answer as T, async (payload) =>
      isBlob(payload) ? unsaltedValue(await tracker.payloads.load(payload.blob)) : payload,
    );
  }

  hold(id: string): () => void {
    return this.#platform.tracker.hold(id);
  }

  reference(): CollectionReference {
    const { createIfMissing = false, id } = this.#settings;
    return { id, name: this.name, environment: this.environment, createIfMissing };
  }

  get #platform(): Platform {
    return this.#settings.client?.platform ?? defaultPlatform();
  }
}

/** Makes one without a name, and keeps it until the returned function is called. */
export async function openEphemeral(
  kind: CollectionKind,
  options: FromNameOptions,
): Promise<{ handle: CollectionHandle; end: () => Promise<void> }> {
  const lookup = new CollectionHandle(kind, kind, options);
  const { environment } = lookup;
  const { id } = await lookup.ask<CollectionRecord>({ do: 'openEphemeral', kind, environment });
  const release = lookup.hold(id);
  const handle = new CollectionHandle(kind, '', { ...options, id });
  await handle.ready();
  return { handle, end: () => Promise.resolve(release()) };
}

export async function listCollections(
  kind: CollectionKind,
  options: FromNameOptions,
): Promise<CollectionSummary[]> {
  const lookup = new CollectionHandle(kind, kind, options);
  return await lookup.ask({ do: 'list', kind, environment: lookup.environment });
}

/** @throws NotFoundError if there is none of the name. */
export async function deleteCollection(
  kind: CollectionKind,
  name: string,
  options: FromNameOptions,
): Promise<void> {
  const handle = new CollectionHandle(kind, name, options);
  await handle.ask({ do: 'delete', kind, name, environment: handle.environment });
}

/** @throws InvalidError if it is none. */
export function assertCount(name: string, count: number): void {
  if (Number.isInteger(count) && count > 0) return;
  throw new InvalidError(`${name} is ${shown(count)}, and must be a whole number above 0`);
}

/** A value that should have been a number, as messages show it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
