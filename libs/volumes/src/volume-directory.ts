import {
  assertName,
  type Environments,
  GantryError,
  isId,
  newId,
  NotFoundError,
  registryKeys,
  type VolumeHead,
  type VolumeRecord,
  type VolumeSummary,
} from '@gantry/protocol';

import { Pieces } from './pieces.ts';
import type { VolumeBlobs } from './volume-blobs.ts';
import type { VolumeStore } from './volume-store.ts';

const EMPTY: VolumeHead = { version: 0, entries: 0, sizeBytes: 0, committedAtMs: 0 };

/** Where names and records of volumes are. */
export interface VolumeRegistry {
  get<T>(key: string): Promise<{ value: T } | undefined>;
  /** False if the key is there already. */
  create(key: string, value: unknown): Promise<boolean>;
  put(key: string, value: unknown): Promise<unknown>;
  delete(key: string): Promise<unknown>;
  list<T>(pattern: string): Promise<{ value: T }[]>;
}

export interface VolumeDirectoryParts {
  registry: VolumeRegistry;
  environments: Environments;
  store: VolumeStore;
  blobs: VolumeBlobs;
  /** Waits. */
  pause: (ms: number) => Promise<void>;
}

/**
 * The volumes of each environment, by name.
 *
 * Invariants
 *   N1. A volume is there from when its record is; then it has a head. A name that leads to no record is free, and whoever
 *       takes it completes what it leads to, as several may do at once.
 *   N2. What a killed server left half done is done when it is asked for again.
 */
export class VolumeDirectory {
  readonly store: VolumeStore;
  readonly blobs: VolumeBlobs;
  readonly pieces: Pieces;
  readonly #registry: VolumeRegistry;
  readonly #environments: Environments;

  constructor({ registry, environments, store, blobs, pause }: VolumeDirectoryParts) {
    this.#registry = registry;
    this.#environments = environments;
    this.store = store;
    this.blobs = blobs;
    this.pieces = new Pieces(blobs, pause);
  }

  /** @throws GantryError `CONFLICT` if there is one of the name and `mustBeNew` is set. */
  async create(
    environment: string,
    name: string,
    { mustBeNew }: { mustBeNew: boolean },
  ): Promise<VolumeRecord> {
    assertVolumeName(name);
    const environmentId = await this.#environments.idOf(environment);
    const key = registryKeys.volumeName(environmentId, name);
    for (;;) {
      const named = await this.#registry.get<{ volumeId: string }>(key);
      const id = named?.value.volumeId ?? newId('vo');
      if (!named && !(await this.#registry.create(key, { volumeId: id }))) continue;
      const record = await this.#complete({ id, name, environment: environmentId, createdAtMs: Date.now() });
      if (record) return record;
      if (mustBeNew && named) throw this.#nameTaken(environment, name);
      return this.find(environment, name);
    }
  }

  /** Makes what a name leads to; undefined if it is there already. */
  async #complete(record: VolumeRecord): Promise<VolumeRecord | undefined> {
    if (await this.#registry.get(registryKeys.volume(record.id))) return undefined;
    await this.#registry.create(registryKeys.volumeHead(record.id), EMPTY);
    return (await this.#registry.create(registryKeys.volume(record.id), record)) ? record : undefined;
  }

  /** Makes one without a name: its id is what it is found by. */
  async createEphemeral(environment: string): Promise<VolumeRecord> {
    const id = newId('vo');
    const environmentId = await this.#environments.idOf(environment);
    const made = { environment: environmentId, createdAtMs: Date.now() };
    const record: VolumeRecord = { id, name: id, ...made, ephemeral: true };
    // First what leads to its removal, if this goes no further.
    await this.#registry.create(registryKeys.ephemeralVolume(id), record);
    await this.#registry.create(registryKeys.volumeHead(id), EMPTY);
    await this.#registry.create(registryKeys.volume(id), record);
    return record;
  }

  /** Those without a name. */
  async ephemeral(): Promise<VolumeRecord[]> {
    const records = await this.#registry.list<VolumeRecord>(registryKeys.allEphemeralVolumes);
    return records.map(({ value }) => value);
  }

  /** Deletes one without a name. */
  async removeEphemeral({ id }: VolumeRecord): Promise<void> {
    await this.#forget(id);
    await this.#registry.delete(registryKeys.ephemeralVolume(id));
  }

  /** @throws NotFoundError for a name or id that no volume of the environment has, or for an unknown environment. */
  async find(
    environment: string,
    nameOrId: string,
    hint = (place: string) =>
      `Make it: gantry volume create ${nameOrId} --env ${place}, or Volume.fromName(…, { createIfMissing: true }).`,
  ): Promise<VolumeRecord> {
    const key = registryKeys.volumeName(await this.#environments.idOf(environment), nameOrId);
    const id = isId(nameOrId, 'vo')
      ? nameOrId
      : (await this.#registry.get<{ volumeId: string }>(key))?.value.volumeId;
    const record =
      id === undefined ? undefined : await this.#registry.get<VolumeRecord>(registryKeys.volume(id));
    if (record) return record.value;
    const place = this.#environments.nameOf(environment);
    throw new NotFoundError(`there is no volume "${nameOrId}" in environment "${place}"`, {
      hint: hint(place),
    });
  }

  async list(environment: string): Promise<VolumeSummary[]> {
    const own = (await this.allOf(await this.#environments.idOf(environment))).filter(
      ({ ephemeral }) => !ephemeral,
    );
    const summaries = await Promise.all(own.map((record) => this.summary(record).catch(() => undefined)));
    return summaries.filter((summary) => summary !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** All that belong to an environment, with a name or without, by the id of the environment. */
  async allOf(environmentId: string): Promise<VolumeRecord[]> {
    const records = await this.#registry.list<VolumeRecord>(registryKeys.allVolumes);
    return records.map(({ value }) => value).filter(({ environment }) => environment === environmentId);
  }

  async summary(record: VolumeRecord): Promise<VolumeSummary> {
    const found = await this.#registry.get<VolumeHead>(registryKeys.volumeHead(record.id));
    if (!found) throw new NotFoundError(`volume "${record.name}" was deleted`);
    const { version, entries, sizeBytes, committedAtMs } = found.value;
    const environment = this.#environments.nameOf(record.environment);
    return { ...record, environment, version, entries, sizeBytes, committedAtMs };
  }

  /** @throws GantryError `CONFLICT` if another volume has the new name. */
  async rename(environment: string, nameOrId: string, newName: string): Promise<VolumeRecord> {
    assertVolumeName(newName);
    const record = await this.find(environment, nameOrId);
    if (record.ephemeral)
      throw new GantryError('INVALID_ARGUMENT', `volume "${record.id}" has no name to change`, {
        hint: 'It goes when nobody holds it any more: copy its files into a volume with a name.',
      });
    const keyOf = (name: string) => registryKeys.volumeName(record.environment, name);
    if (!(await this.#registry.create(keyOf(newName), { volumeId: record.id }))) {
      const named = await this.#registry.get<{ volumeId: string }>(keyOf(newName));
      if (named?.value.volumeId !== record.id) throw this.#nameTaken(environment, newName);
    }
    const renamed = { ...record, name: newName };
    if (record.name !== newName) await this.#registry.put(registryKeys.volume(record.id), renamed);
    const former = new Set([record.name, nameOrId].filter((name) => name !== newName && !isId(name, 'vo')));
    for (const name of former) await this.#registry.delete(keyOf(name));
    return renamed;
  }

  /** Files that only this volume had are removed from the store later. */
  async delete(environment: string, nameOrId: string): Promise<void> {
    const hint = (place: string): string => `See those there are: gantry volume list --env ${place}`;
    const found = await this.find(environment, nameOrId, hint).catch(async (error: unknown) => {
      const nameless = await this.#withoutName(environment, nameOrId);
      if (nameless) return nameless;
      throw error;
    });
    await this.remove(found);
  }

  /** One whose name was taken from it by a deletion that went no further. */
  async #withoutName(environment: string, name: string): Promise<VolumeRecord | undefined> {
    const own = await this.allOf(await this.#environments.idOf(environment));
    return own.find((record) => !record.ephemeral && record.name === name);
  }

  /** The same, for one that was found. */
  async remove(record: VolumeRecord): Promise<void> {
    if (record.ephemeral) return await this.removeEphemeral(record);
    await this.#registry.delete(registryKeys.volumeName(record.environment, record.name));
    await this.#forget(record.id);
  }

  #nameTaken(environment: string, name: string): GantryError {
    const place = this.#environments.nameOf(environment);
    return new GantryError('CONFLICT', `environment "${place}" has a volume "${name}" already`, {
      hint: 'Use it, or choose another name.',
    });
  }

  async #forget(id: string): Promise<void> {
    await this.#registry.delete(registryKeys.volume(id));
    await this.#registry.delete(registryKeys.volumeHead(id));
  }
}

function assertVolumeName(name: string): void {
  assertName('volume', name);
  if (!isId(name, 'vo')) return;
  throw new GantryError('INVALID_ARGUMENT', `a volume cannot be called "${name}": that is the form of an id`);
}
