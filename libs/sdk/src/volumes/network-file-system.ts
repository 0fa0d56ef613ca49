import { HANDLE, type HandleState, registerHandle, type VolumeMountSpec } from '@gantry/protocol';

import { basename } from '../node-modules.ts';
import { type EphemeralArgs, openFor } from '../ephemeral.ts';
import { checkKeys } from '../option-checks.ts';
import type { FromNameOptions } from '../remote-function.ts';
import { NETWORK_FILE_SYSTEM } from './mount-checks.ts';
import { type FileEntry, Volume, type VolumeOptions } from './volume.ts';
import type { UploadProgress } from './volume-upload.ts';

export interface WriteFileOptions {
  /** Called as it goes on. */
  onProgress?: (progress: UploadProgress) => void;
}

/**
 * Files that programs and containers share by name, each write seen by all at once. What was called a network file system
 * before there were volumes: it is the {@link Volume} of the same name, whose methods change one file at a time, and
 * replace what is there.
 *
 * Among the `networkFileSystems` of a function it is a directory that needs no `commit` and no `reload`: a call sees what was in
 * it when it began, if no other call runs in the container and none of its files is open, and what a call wrote is in it
 * when its result is there. A call does not see what others write meanwhile; web requests see what was there when their
 * container started.
 *
 * @example
 * ```ts
 * const shared = NetworkFileSystem.fromName('shared', { createIfMissing: true });
 * await shared.writeFile('/notes/today.txt', new TextEncoder().encode('hello'));
 * for (const { path } of await shared.listdir('/notes/*.txt')) console.log(path); // /notes/today.txt
 * ```
 */
export class NetworkFileSystem {
  /** @internal */
  readonly [NETWORK_FILE_SYSTEM] = true;
  readonly #volume: Volume;

  private constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** A handle; nothing is looked up or made before its first use. */
  static fromName(name: string, options: VolumeOptions = {}): NetworkFileSystem {
    checkKeys('NetworkFileSystem.fromName', options, ['environment', 'client', 'createIfMissing']);
    return new NetworkFileSystem(Volume.fromName(name, options));
  }

  /** One without a name: see {@link Volume.ephemeral}. */
  static async ephemeral(options?: FromNameOptions): Promise<NetworkFileSystem & AsyncDisposable>;
  static async ephemeral<T>(use: (files: NetworkFileSystem) => T): Promise<Awaited<T>>;
  static async ephemeral<T>(
    options: FromNameOptions,
    use: (files: NetworkFileSystem) => T,
  ): Promise<Awaited<T>>;
  static async ephemeral(...args: EphemeralArgs<NetworkFileSystem & AsyncDisposable>): Promise<unknown> {
    return openFor(args, async (options) => {
      const volume = await Volume.ephemeral(options);
      const dispose = () => volume[Symbol.asyncDispose]();
      return Object.assign(new NetworkFileSystem(volume), { [Symbol.asyncDispose]: dispose });
    });
  }

  /**
   * Deletes it with its files.
   *
   * @throws NotFoundError if there is none of the name.
   */
  static async delete(name: string, options: FromNameOptions = {}): Promise<void> {
    await Volume.delete(name, options);
  }

  get name(): string {
    return this.#volume.name;
  }

  /** @throws NotFoundError if there is none of the name. */
  async hydrate(): Promise<this> {
    await this.#volume.hydrate();
    return this;
  }

  /** @throws ExecutionError before the first use. */
  get objectId(): string {
    return this.#volume.objectId;
  }

  /**
   * Writes a file, seen whole or not at all, with the directories above it. Resolves to its bytes.
   *
   * @param source - A path on this machine, bytes, or a stream of them.
   */
  async writeFile(
    remotePath: string,
    source: string | Uint8Array | AsyncIterable<Uint8Array>,
    options: WriteFileOptions = {},
  ): Promise<number> {
    checkKeys('writeFile', options, ['onProgress']);
    let sizeBytes = 0;
    const onProgress = (progress: UploadProgress): void => {
      sizeBytes = progress.doneBytes;
      options.onProgress?.(progress);
    };
    await this.#volume.batchUpload((batch) => batch.putFile(source, remotePath), { force: true, onProgress });
    return sizeBytes;
  }

  /** Copies a file of this machine. @defaultValue to a file of its name at the top */
  async addLocalFile(localPath: string, remotePath?: string, options: WriteFileOptions = {}): Promise<void> {
    await this.writeFile(remotePath ?? `/${basename(localPath)}`, localPath, options);
  }

  /** Copies all below a directory of this machine. @defaultValue to a directory of its name at the top */
  async addLocalDir(localPath: string, remotePath?: string, options: WriteFileOptions = {}): Promise<void> {
    checkKeys('addLocalDir', options, ['onProgress']);
    const target = remotePath ?? `/${basename(localPath)}`;
    await this.#volume.batchUpload((batch) => batch.putDirectory(localPath, target), {
      ...options,
      force: true,
    });
  }

  /** A file's content, as it comes. */
  readFile(path: string): AsyncGenerator<Uint8Array> {
    return this.#volume.readFile(path);
  }

  /**
   * What is in a directory, with paths from there; of a file, the file itself. A pattern with `*`, or `**` for any
   * number of directories, gives what it matches, with paths from the top.
   */
  async *iterdir(path: string): AsyncGenerator<FileEntry> {
    if (path.includes('*')) {
      const pattern = expressionOf(path);
      for await (const entry of this.#volume.iterdir('/')) {
        const whole = `/${entry.path}`;
        if (pattern.test(whole)) yield { ...entry, path: whole };
      }
      return;
    }
    const above = path.split('/').filter((name) => name !== '' && name !== '.');
    for await (const entry of this.#volume.iterdir(path, { recursive: false })) {
      const below = entry.path.split('/').slice(above.length).join('/');
      yield below === '' ? entry : { ...entry, path: below };
    }
  }

  /** What {@link NetworkFileSystem.iterdir} gives, at once. */
  async listdir(path: string): Promise<FileEntry[]> {
    const entries: FileEntry[] = [];
    for await (const entry of this.iterdir(path)) entries.push(entry);
    return entries;
  }

  /** Removes a file; a directory with all in it with `recursive`. */
  async removeFile(path: string, options: { recursive?: boolean } = {}): Promise<void> {
    await this.#volume.removeFile(path, options);
  }

  /** @internal What a manifest says about it. */
  toJSON(): Omit<VolumeMountSpec, 'path'> {
    return { ...this.#volume.toJSON(), shared: true };
  }

  /** @internal As an argument or result it arrives as a handle on the same files. */
  [HANDLE](): HandleState {
    return { kind: 'gantry.NetworkFileSystem', state: this.#volume[HANDLE]().state };
  }
}

registerHandle('gantry.NetworkFileSystem', (state: { name: string } & VolumeOptions) => {
  const { name, environment, createIfMissing } = state;
  return NetworkFileSystem.fromName(name, { environment, createIfMissing } as VolumeOptions);
});

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const source = parts.map((part) => {
    if (part === '**') return '(?:/[^/]+)*';
    return `/${part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}`;
  });
  return new RegExp(`^${source.join('')}$`);
}
