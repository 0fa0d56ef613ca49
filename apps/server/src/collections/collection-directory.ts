import type { Registry } from '@gantry/messaging';
import {
  assertName,
  type CollectionKind,
  type CollectionRecord,
  type Environments,
  GantryError,
  isId,
  newId,
  NotFoundError,
  registryKeys,
} from '@gantry/protocol';

const PREFIXES = { dict: 'di', queue: 'qu' } as const;

/**
 * Which dicts and queues there are. A name that leads to no record is free, and whoever takes it completes what it leads to: so
 * what a killed server left half done is done when it is asked for again.
 */
export class CollectionDirectory {
  readonly #registry: Registry;
  readonly #environments: Environments;

  constructor(registry: Registry, environments: Environments) {
    this.#registry = registry;
    this.#environments = environments;
  }

  async get(id: string): Promise<CollectionRecord | undefined> {
    if (!isId(id, 'di') && !isId(id, 'qu')) return undefined;
    return (await this.#registry.get<CollectionRecord>(registryKeys.collection(id)))?.value;
  }

  /** @throws NotFoundError for a name that no dict, or queue, of the environment has. */
  async find(kind: CollectionKind, environment: string, name: string): Promise<CollectionRecord> {
    const environmentId = await this.#environments.idOf(environment);
    const key = registryKeys.collectionName(kind, environmentId, name);
    const named = await this.#registry.get<{ id: string }>(key);
    const record = named && (await this.get(named.value.id));
    if (record) return record;
    const label = kind === 'dict' ? 'Dict' : 'Queue';
    const place = this.#environments.nameOf(environmentId);
    throw new NotFoundError(`there is no ${kind} "${name}" in environment "${place}"`, {
      hint: `List those there are: gantry ${kind} list. To make it: gantry ${kind} create ${name}, or ${label}.fromName(…, { createIfMissing: true }).`,
    });
  }

  /**
   * The same, or one whose name was taken from it by a deletion that went no further.
   *
   * @throws NotFoundError.
   */
  async findToDelete(kind: CollectionKind, environment: string, name: string): Promise<CollectionRecord> {
    try {
      return await this.find(kind, environment, name);
    } catch (error) {
      const own = error instanceof NotFoundError ? await this.allIn(environment) : [];
      const nameless = own.find((record) => record.kind === kind && record.name === name);
      if (nameless) return nameless;
      throw error;
    }
  }

  /** The one of the name, or a new one. */
  async create(kind: CollectionKind, environment: string, name: string): Promise<CollectionRecord> {
    assertName(kind, name);
    if (isId(name, PREFIXES[kind])) {
      throw new GantryError(
        'INVALID_ARGUMENT',
        `a ${kind} cannot be called "${name}": that is the form of an id`,
      );
    }
    const environmentId = await this.#environments.idOf(environment);
    const key = registryKeys.collectionName(kind, environmentId, name);
    for (;;) {
      const named = await this.#registry.get<{ id: string }>(key);
      const existing = named && (await this.get(named.value.id));
      if (existing) return existing;
      const id = named?.value.id ?? newId(PREFIXES[kind]);
      if (!named && !(await this.#registry.create(key, { id }))) continue;
      const record = { id, kind, environment: environmentId, name, createdAtMs: Date.now() };
      if (await this.#registry.create(registryKeys.collection(id), record)) return record;
    }
  }

  async createEphemeral(kind: CollectionKind, environment: string): Promise<CollectionRecord> {
    const place = await this.#environments.idOf(environment);
    const record = { kind, environment: place, id: newId(PREFIXES[kind]), createdAtMs: Date.now() };
    await this.#registry.put(registryKeys.collection(record.id), record);
    return record;
  }

  /** All that belong to an environment, with a name or without. */
  async allIn(environment: string): Promise<CollectionRecord[]> {
    const environmentId = await this.#environments.idOf(environment);
    return (await this.all()).filter((record) => record.environment === environmentId);
  }

  async all(): Promise<CollectionRecord[]> {
    const records = await this.#registry.list<CollectionRecord>(registryKeys.allCollections);
    return records.map(({ value }) => value);
  }

  async delete({ id, kind, environment, name }: CollectionRecord): Promise<void> {
    if (name !== undefined) await this.#registry.delete(registryKeys.collectionName(kind, environment, name));
    await this.#registry.delete(registryKeys.collection(id));
  }
}
