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

/** Which dicts and queues there are. */
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

  /** The one of the name, or a new one. */
  async create(kind: CollectionKind, environment: string, name: string): Promise<CollectionRecord> {
    assertName(kind, name);
    if (isId(name, PREFIXES[kind])) {
      throw new GantryError(
        'INVALID_ARGUMENT',
        `a ${kind} cannot be called "${name}": that is the form of an id`,
      );
    }
    const existing = await this.find(kind, environment, name).catch(ifMissing);
    if (existing) return existing;
    const environmentId = await this.#environments.idOf(environment);
    const record = await this.#add({ kind, environment: environmentId, name });
    const key = registryKeys.collectionName(kind, environmentId, name);
    if (await this.#registry.create(key, { id: record.id })) return record;
    await this.#registry.delete(registryKeys.collection(record.id));
    return await this.find(kind, environment, name);
  }

  async createEphemeral(kind: CollectionKind, environment: string): Promise<CollectionRecord> {
    return await this.#add({ kind, environment: await this.#environments.idOf(environment) });
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

  async #add(facts: Omit<CollectionRecord, 'id' | 'createdAtMs'>): Promise<CollectionRecord> {
    const record = { ...facts, id: newId(PREFIXES[facts.kind]), createdAtMs: Date.now() };
    await this.#registry.put(registryKeys.collection(record.id), record);
    return record;
  }
}

function ifMissing(error: unknown): undefined {
  if (error instanceof NotFoundError) return undefined;
  throw error;
}
