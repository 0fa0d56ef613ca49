import {
  encodeFrame,
  InvalidError,
  type OptionRange,
  volumePath,
  type VolumeChange,
  VolumeUploadTimeoutError,
} from '@gantry/protocol';

import { basename } from '../node-modules.ts';
import { checkKeys, checkRange } from '../option-checks.ts';
import { uploadAll, type UploadSource } from './upload-run.ts';
import type { VolumePlace } from './volume.ts';

export interface UploadOptions {
  /** Replace files that are there. @defaultValue false */
  force?: boolean;
  /** Called as it goes on. */
  onProgress?: (progress: UploadProgress) => void;
  /** How long it may take. @defaultValue as long as it takes */
  timeoutMs?: number;
}

/** How far an upload is. */
export interface UploadProgress {
  /** Of the files read so far; the store may have had them already. */
  doneBytes: number;
  doneFiles: number;
  /** Of all files, as far as their sizes are known. */
  totalBytes: number;
  totalFiles: number;
}

const LIMIT_RANGE: OptionRange = { min: 1, max: 2 ** 31 - 1, integer: false };

/** Files on their way into a volume. They are uploaded, and become visible, at {@link VolumeUpload.commit}. */
export class VolumeUpload implements AsyncDisposable {
  readonly #place: VolumePlace;
  readonly #options: UploadOptions;
  readonly #sources: UploadSource[] = [];
  #isDone = false;

  /** @internal */
  constructor(place: VolumePlace, options: UploadOptions) {
    checkKeys('batchUpload', options, ['force', 'onProgress', 'timeoutMs']);
    checkRange('batchUpload: timeoutMs', options.timeoutMs ?? 1, LIMIT_RANGE);
    this.#place = place;
    this.#options = options;
  }

  /**
   * Adds a file: its path on this machine, its bytes, or a stream of them. A remote path that ends in a slash is the
   * directory for a file of this machine.
   */
  putFile(source: string | Uint8Array | AsyncIterable<Uint8Array>, remotePath: string): void {
    const isLocal = typeof source === 'string';
    if (!isLocal && !isContent(source)) {
      throw new InvalidError(`what is to become "${remotePath}" is no path, bytes or stream of bytes`, {
        hint: 'Give the path of a local file, a Uint8Array, or an async iterable of them.',
      });
    }
    this.#assertTakes(isLocal ? source : undefined);
    const name = isLocal ? basename(source) : '';
    if (remotePath.endsWith('/') && !isLocal)
      throw new InvalidError(`"${remotePath}" is a directory`, {
        hint: 'Name the file that the bytes become.',
      });
    const path = volumePath(remotePath.endsWith('/') ? `${remotePath}${name}` : remotePath);
    if (path === '')
      throw new InvalidError('the file has no path in the volume', {
        hint: 'Name the file that it becomes, or a directory with a slash at its end.',
      });
    this.#sources.push(
      isLocal ? { type: 'file', path, local: source } : { type: 'content', path, content: source },
    );
  }

  /**
   * Adds a directory of this machine, and all below it, with links that stay in it. What is no file, directory or link, such as a
   * socket, has `commit` fail.
   */
  putDirectory(localPath: string, remotePath: string): void {
    this.#assertTakes(localPath);
    this.#sources.push({ type: 'directory', path: volumePath(remotePath), local: localPath });
  }

  /**
   * Uploads what the volume lacks, and makes all of it visible at once. One that was interrupted goes on where it
   * was when it is run again.
   *
   * @throws VolumeUploadTimeoutError after `timeoutMs`.
   */
  async commit(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    const { timeoutMs } = this.#options;
    if (timeoutMs === undefined) return await this.#commit(() => undefined);
    let error: VolumeUploadTimeoutError | undefined;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        error = new VolumeUploadTimeoutError(`the upload was not done after ${timeoutMs} ms`, {
          hint: 'Run it again: it goes on where it was. Or give it more time, with "timeoutMs".',
        });
        reject(error);
      }, timeoutMs);
    });
    const assertInTime = (): void => {
      if (error) throw error;
    };
    try {
      await Promise.race([this.#commit(assertInTime), limit]);
    } finally {
      clearTimeout(timer);
    }
  }

  #assertTakes(localPath: string | undefined): void {
    if (this.#isDone) {
      throw new InvalidError('the batch was committed already, so it takes nothing more', {
        hint: 'Open another one, with batchUpload.',
      });
    }
    if (localPath === '')
      throw new InvalidError('the local path is empty', { hint: 'Give "." for the working directory.' });
  }

  async #commit(assertInTime: () => void): Promise<void> {
    const onProgress = (progress: UploadProgress): void => {
      assertInTime();
      this.#options.onProgress?.(progress);
    };
    const changes: VolumeChange[] = await uploadAll(this.#sources, this.#place, onProgress);
    if (changes.length === 0) return;
    assertInTime();
    const body = encodeFrame({ changes, overwrite: this.#options.force === true });
    await this.#place.api.json(this.#place.path('/commits'), { method: 'POST', body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.commit();
  }
}

function isContent(source: unknown): boolean {
  if (source instanceof Uint8Array) return true;
  return typeof source === 'object' && source !== null && Symbol.asyncIterator in source;
}
