import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'];

/**
 * A folder that code of a container changes while it is read. What is in it is reached from the open folder, never by a
 * path from above, and no link is followed: wherever the code moves things, nothing outside of the folder is read.
 * (On systems without `/proc`, where containers are not kept apart anyway, by path.)
 */
export class OpenFolder implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #path: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path;
  }

  static async open(path: string): Promise<OpenFolder> {
    return new OpenFolder(await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path);
  }

  /** A folder in it; undefined if there is none (any more). */
  async folder(name: string): Promise<OpenFolder | undefined> {
    const path = join(this.#path, name);
    const handle = await ifThere(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return handle && new OpenFolder(handle, path);
  }

  /** A file in it, to be read; undefined if there is none (any more). The caller closes it. */
  async file(name: string): Promise<FileHandle | undefined> {
    const file = await ifThere(open(join(this.#path, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (!file || (await file.stat()).isFile()) return file;
    await file.close();
    return undefined;
  }

  async names(): Promise<string[]> {
    return (await ifThere(readdir(this.#path))) ?? [];
  }

  async stat(name: string): Promise<BigIntStats | undefined> {
    return ifThere(lstat(join(this.#path, name), { bigint: true }));
  }

  async link(name: string): Promise<string | undefined> {
    return ifThere(readlink(join(this.#path, name)).catch(asGone('EINVAL')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

async function ifThere<T>(act: Promise<T>): Promise<T | undefined> {
  try {
    return await act;
  } catch (error) {
    if (GONE.includes(codeOf(error))) return undefined;
    throw error;
  }
}

function asGone(code: string): (error: unknown) => never {
  return (error) => {
    throw codeOf(error) === code
      ? Object.assign(new Error('it is another thing now'), { code: 'ENOENT' })
      : error;
  };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
