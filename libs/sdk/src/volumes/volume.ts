import {
  assertName,
  DEFAULTS,
  ExecutionError,
  HANDLE,
  type HandleState,
  InvalidError,
  NotFoundError,
  registerHandle,
  type VolumeListing,
  type VolumeMountSpec,
  volumePath,
  type VolumeSummary,
} from '@gantry/protocol';

import type { Client } from '../client.ts';
import { defaultPlatform } from '../default-platform.ts';
import { type EphemeralArgs, openFor } from '../ephemeral.ts';
import { checkKeys } from '../option-checks.ts';
import type { ObjectApi } from '../platform.ts';
import type { FromNameOptions } from '../remote-function.ts';
import { containerHost, type ContainerHost } from '../host.ts';
import { VOLUME } from './mount-checks.ts';
import { VolumeUpload, type UploadOptions } from './volume-upload.ts';

export interface VolumeOptions extends FromNameOptions {
  /** Make the volume at its first use if there is none of the name. @defaultValue false */
  createIfMissing?: boolean;
}

/** How containers have a volume. */
export interface VolumeMountOptions {
  /** Nothing can be written. @defaultValue false */
  readOnly?: boolean;
  /** A directory of the volume that they have instead of all. Made by the first commit if it is not there. */
  subPath?: string;
}

/** What {@link Volume.iterdir} and {@link Volume.listdir} show. */
export type FileEntry = VolumeListing;

const LOOKUP_OPTIONS = ['environment', 'client'];

interface VolumeReference {
  name: string;
  environment: string;
  createIfMissing: boolean;
}

/**
 * A tree of files that outlives apps and containers. Its methods show what was committed last, and change it whole steps
 * at a time: what an upload, a copy or a removal does is seen all at once, or not at all.
 *
 * In containers that have it among their `volumes` it is a directory: as it was when the container started, or at its
 * last {@link Volume.reload}. What is written there is seen elsewhere after a {@link Volume.commit}; one happens every
 * few seconds while inputs run, and when the container ends. Commits of different files all hold; of one file, the last.
 * As a commit may come in the middle of a change, write under another name, and rename when all is written.
 *
 * @example
 * ```ts
 * const models = Volume.fromName('models', { createIfMissing: true });
 * export const train = app.function({ volumes: { '/models': models } }, async () => {
 *   await writeFile('/models/v2.bin', await fit());
 *   await models.commit();
 * });
 *
 * await models.batchUpload(async (batch) => {
 *   batch.putFile('weights.bin', '/v2/weights.bin');
 * });
 * for (const { path, sizeBytes } of await models.listdir('/v2')) console.log(path, sizeBytes);
 * for await (const chunk of models.readFile('/v2/weights.bin')) hash.update(chunk);
 * ```
 */
export class Volume {
  readonly name: string;
  /** @internal */
  readonly [VOLUME] = true;
  readonly #options: VolumeOptions;
  readonly #mount: VolumeMountOptions;
  #summary: Promise<VolumeSummary> | undefined;
  #known: VolumeSummary | undefined;

  private constructor(name: string, options: VolumeOptions, mount: VolumeMountOptions = {}) {
    this.name = name;
    this.#options = options;
    this.#mount = mount;
  }

  /**
   * A handle; nothing is looked up or made before its first use.
   *
   * @throws InvalidError for what can be no name.
   */
  static fromName(name: string, options: VolumeOptions = {}): Volume {
    assertName('volume', name);
    checkKeys('Volume.fromName', options, [...LOOKUP_OPTIONS, 'createIfMissing']);
    return new Volume(name, options);
  }

  /**
   * Makes a volume without a name. It is removed some time after the scope of `await using` is left, or the callback or the
   * program has ended. Its handle may travel to functions, whose code reads and changes it by its methods.
   *
   * @example
   * ```ts
   * await using scratch = await Volume.ephemeral();
   * await Volume.ephemeral((files) => render.remote(files));
   * ```
   */
  static async ephemeral(options?: FromNameOptions): Promise<Volume & AsyncDisposable>;
  static async ephemeral<T>(use: (volume: Volume) => T): Promise<Awaited<T>>;
  static async ephemeral<T>(options: FromNameOptions, use: (volume: Volume) => T): Promise<Awaited<T>>;
  static async ephemeral(...args: EphemeralArgs<Volume & AsyncDisposable>): Promise<unknown> {
    return openFor(args, async (options) => {
      checkKeys('Volume.ephemeral', options, LOOKUP_OPTIONS);
      const { api, environment } = placeOf('', options);
      const query = new URLSearchParams({ environment });
      const { id } = await api.json<VolumeSummary>(`/v1/volumes?${query}`, { method: 'POST' });
      const platform = options.client?.platform ?? defaultPlatform();
      const release = platform.tracker.hold(id);
      const dispose = () => Promise.resolve(release());
      return Object.assign(new Volume(id, options), { [Symbol.asyncDispose]: dispose });
    });
  }

  /**
   * Makes a volume.
   *
   * @throws GantryError `CONFLICT` if there is one of the name.
   */
  static async create(name: string, options: FromNameOptions = {}): Promise<Volume> {
    checkKeys('Volume.create', options, LOOKUP_OPTIONS);
    const { api, path } = placeOf(name, options);
    await api.json(path('', { new: '1' }), { method: 'PUT' });
    return new Volume(name, options);
  }

  /**
   * Deletes a volume and its files.
   *
   * @throws NotFoundError if there is none of the name.
   */
  static async delete(name: string, options: FromNameOptions = {}): Promise<void> {
    checkKeys('Volume.delete', options, LOOKUP_OPTIONS);
    const { api, path } = placeOf(name, options);
    await api.json(path(''), { method: 'DELETE' });
  }

  /**
   * Gives a volume another name.
   *
   * @throws NotFoundError if there is none of the old name; GantryError `CONFLICT` if there is one of the new.
   */
  static async rename(oldName: string, newName: string, options: FromNameOptions = {}): Promise<void> {
    checkKeys('Volume.rename', options, LOOKUP_OPTIONS);
    const { api, path } = placeOf(oldName, options);
    await api.json(path('/rename'), { method: 'POST', body: { name: newName } });
  }

  /** The volumes of the environment, by name. */
  static async list(options: FromNameOptions = {}): Promise<VolumeSummary[]> {
    checkKeys('Volume.list', options, LOOKUP_OPTIONS);
    const { api, environment } = placeOf('', options);
    const query = new URLSearchParams({ environment });
    return (await api.json<{ volumes: VolumeSummary[] }>(`/v1/volumes?${query}`)).volumes;
  }

  /**
   * Looks the volume up, or makes it with `createIfMissing`. Otherwise that happens at the first use.
   *
   * @throws NotFoundError if there is none of the name.
   */
  async hydrate(): Promise<this> {
    await this.#ready();
    return this;
  }

  /** @throws ExecutionError before the first use. */
  get objectId(): string {
    if (this.#known) return this.#known.id;
    throw new ExecutionError(`volume "${this.name}" was not looked up yet, so its id is not known`, {
      hint: 'Use it, or await .hydrate(), first.',
    });
  }

  /** The same volume, with other options for the containers that have it. */
  withMountOptions(options: VolumeMountOptions): Volume {
    checkKeys('withMountOptions', options, ['readOnly', 'subPath']);
    const { subPath } = options;
    const form = subPath === undefined ? {} : { subPath: volumePath(subPath) };
    return new Volume(this.name, this.#options, { ...this.#mount, ...options, ...form });
  }

  /**
   * In a container that has it: makes what was written there durable, and visible to others.
   *
   * @throws InvalidError for names and links that cannot be in a volume, after everything else was committed;
   * ResourceExhaustedError with `details.errno` `ENOSPC` above 500,000 entries; GantryError `CONFLICT` for a file that
   * is written all the time.
   */
  async commit(): Promise<void> {
    await this.#host('commit').volume('commit', this.name, this.#options.environment);
  }

  /**
   * In a container that has it: shows what was committed last. Commits first, so that nothing is lost.
   *
   * @throws GantryError `CONFLICT` ("volume busy") while a file of it is open, or a process is in one of its directories.
   */
  async reload(): Promise<void> {
    await this.#host('reload').volume('reload', this.name, this.#options.environment);
  }

  /** What is in a directory, and below it unless `recursive` is false; of a file, the file itself. */
  async *iterdir(path: string, options: { recursive?: boolean } = {}): AsyncGenerator<FileEntry> {
    checkKeys('iterdir', options, ['recursive']);
    const { api, path: place } = await this.#ready();
    const recursive = options.recursive === false ? '0' : '1';
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of api.stream(place('/entries', { path, recursive }))) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as FileEntry;
    }
  }

  /**
   * What is in a directory, and with `recursive` below it; of a file, the file itself.
   *
   * @throws NotFoundError; InvalidError for what can only be a pattern.
   */
  async listdir(path: string, options: { recursive?: boolean } = {}): Promise<FileEntry[]> {
    checkKeys('listdir', options, ['recursive']);
    await this.#ready();
    const entries: FileEntry[] = [];
    try {
      for await (const entry of this.iterdir(path, { recursive: options.recursive ?? false }))
        entries.push(entry);
    } catch (error) {
      if (!(error instanceof NotFoundError) || !/[*?[]/.test(path)) throw error;
      throw new InvalidError(`"${path}" is no path of the volume`, {
        hint: 'Patterns are not taken: list the directory.',
      });
    }
    return entries;
  }

  /**
   * A file's content, as it comes. Links are followed.
   *
   * @throws NotFoundError, or InvalidError for a directory.
   */
  async *readFile(path: string): AsyncGenerator<Uint8Array> {
    const { api, path: place } = await this.#ready();
    yield* api.stream(place('/file', { path }));
  }

  /**
   * Removes a file; a directory with all in it with `recursive`.
   *
   * @throws NotFoundError, or InvalidError for a directory and for an empty path.
   */
  async removeFile(path: string, options: { recursive?: boolean } = {}): Promise<void> {
    checkKeys('removeFile', options, ['recursive']);
    const { api, path: place } = await this.#ready();
    const recursive = options.recursive ?? false;
    await api.json(place('/remove'), { method: 'POST', body: { path, recursive } });
  }

  /**
   * Copies inside of the volume, as `cp` does: one file to a path, or into a directory that is there; several into a
   * directory. A slash at the end of `target` makes that directory if it is not there. Directories go with all in them, with
   * `recursive`. Files are replaced.
   *
   * @throws NotFoundError; InvalidError for directories without `recursive`; GantryError `CONFLICT` for a file in place of a
   * directory, and the other way round.
   */
  async copyFiles(
    sources: readonly string[],
    target: string,
    options: { recursive?: boolean } = {},
  ): Promise<void> {
    checkKeys('copyFiles', options, ['recursive']);
    const { api, path: place } = await this.#ready();
    const recursive = options.recursive ?? false;
    await api.json(place('/copy'), { method: 'POST', body: { sources, target, recursive } });
  }

  /**
   * Uploads files. They become visible together: when the function has ended, and nothing of it when that throws; or when
   * the scope of `await using` is left, which an error leaves, too: what was added until then is uploaded.
   *
   * @throws GantryError `CONFLICT` for a file that is there, without `force`, and for a directory in its place.
   */
  batchUpload(options?: UploadOptions): Promise<VolumeUpload>;
  batchUpload(use: (batch: VolumeUpload) => unknown, options?: UploadOptions): Promise<void>;
  async batchUpload(
    first: UploadOptions | ((batch: VolumeUpload) => unknown) = {},
    options: UploadOptions = {},
  ): Promise<VolumeUpload | void> {
    const { api, path } = await this.#ready();
    if (typeof first !== 'function') return new VolumeUpload({ api, path }, first);
    const batch = new VolumeUpload({ api, path }, options);
    await use(batch, first);
  }

  /** @internal As an argument or result it arrives as a handle on the same volume. */
  [HANDLE](): HandleState {
    const { environment = placeOf('', this.#options).environment, createIfMissing = false } = this.#options;
    const state: VolumeReference = { name: this.name, environment, createIfMissing };
    return { kind: 'gantry.Volume', state };
  }

  /** @internal What a manifest says about it. */
  toJSON(): Omit<VolumeMountSpec, 'path'> {
    const { environment, createIfMissing } = this.#options;
    const { readOnly, subPath } = this.#mount;
    return {
      name: this.name,
      environment,
      createIfMissing: createIfMissing || undefined,
      readOnly: readOnly || undefined,
      subPath: subPath || undefined,
    };
  }

  #host(method: string): ContainerHost {
    const host = containerHost();
    if (host) return host;
    throw new InvalidError(`volume "${this.name}": ${method}() is for containers that have it`, {
      hint: 'Programs outside always see what was committed last; batchUpload changes it.',
    });
  }

  async #ready(): Promise<VolumePlace> {
    const place = placeOf(this.name, this.#options);
    const { api, path } = place;
    this.#summary ??= api.json<VolumeSummary>(path(''), {
      method: this.#options.createIfMissing ? 'PUT' : 'GET',
    });
    this.#summary.catch(() => (this.#summary = undefined));
    this.#known = await this.#summary;
    return place;
  }
}

registerHandle('gantry.Volume', (state: VolumeReference) => {
  const { name, environment, createIfMissing } = state;
  return Volume.fromName(name, { environment, createIfMissing });
});

/** Where requests about a volume go. */
export interface VolumePlace {
  api: ObjectApi;
  /** Path of something of the volume, such as `/file`, with the parts of its query. */
  path(of: string, query?: Readonly<Record<string, string>>): string;
}

function placeOf(
  name: string,
  options: { environment?: string | undefined; client?: Client | undefined },
): VolumePlace & { environment: string } {
  const platform = options.client?.platform ?? defaultPlatform();
  const environment = options.environment ?? platform.environment ?? DEFAULTS.environment;
  return {
    api: platform.objects,
    environment,
    path: (of, query = {}) => {
      assertName('volume', name);
      return `/v1/volumes/${encodeURIComponent(name)}${of}?${new URLSearchParams({ environment, ...query })}`;
    },
  };
}

async function use(batch: VolumeUpload, fill: (batch: VolumeUpload) => unknown): Promise<void> {
  await fill(batch);
  await batch.commit();
}
