import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, chown, chmod, mkdtemp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { ContainerError, InvalidError } from '@gantry/protocol';

import { overlayAttribute } from '../overlay-attributes.ts';
import { gunzipped } from './gunzipped.ts';
import { overlayTar } from './overlay-tar.ts';

const MOST_ERROR_CHARS = 500;
/** What tar says of a full disk. */
const NO_ROOM = /No space left on device|Wrote only \d+ of/;
const GZIP_MAGIC = 0x8b1f;

export interface UnpackOptions {
  /** Added to each owner in the archive. See `CONTAINER_IDS`. */
  idShift: number;
  /** Folder in the layer that takes all of the archive, such as `srv/app`. @defaultValue the layer's root */
  under?: string | undefined;
}

/**
 * Unpacks a layer of an OCI image, a tar archive as such or gzipped, into a new folder that overlayfs takes for a
 * lower one: owners are shifted into the ids of containers, whiteouts are the kernel's. Devices, extended attributes
 * and owners above 65535 are not taken over. An archive cannot reach outside of the folder. The folder appears whole
 * or not at all; one that is there already stays as it is.
 *
 * @throws InvalidError if the archive is broken, or tries to reach outside.
 * @throws ContainerError if this process is not root, `tar` is missing or fails, or the disk is full.
 *
 * @example
 * ```ts
 * await unpackLayer(await blobs.get(digest), `/var/lib/gantry/layers/${digest}`, { idShift: CONTAINER_IDS.first });
 * ```
 */
export async function unpackLayer(
  layer: AsyncIterable<Uint8Array>,
  folder: string,
  { idShift, under }: UnpackOptions,
): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new ContainerError('only root can unpack the layers of an image', {
      hint: 'Run the worker as root.',
    });
  }
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}.draft-`));
  try {
    const content = join(draft, 'layer');
    await mkdir(content);
    await chmod(content, 0o755);
    await chown(content, idShift, idShift);
    await extract(overlayTar(await ungzip(layer), { idShift, under }), content);
    await rename(content, folder).catch((error: unknown) => ignoreTaken(error));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function ignoreTaken(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error;
}

/** GNU tar, as Node can make no device files and set no attributes. It gets nothing that {@link overlayTar} did not write. */
async function extract(archive: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
  const attributes = ['--xattrs', `--xattrs-include=${overlayAttribute('*')}`];
  const owners = ['--numeric-owner', '--same-owner', '--same-permissions', '--delay-directory-restore'];
  const args = ['-x', '-f', '-', '-C', folder, ...owners, ...attributes, '--warning=no-timestamp'];
  const tar = spawn('tar', args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  let said = '';
  tar.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (said = (said + text).slice(0, MOST_ERROR_CHARS)));
  const ended = once(tar, 'close') as Promise<[number | null]>;
  // Awaited below.
  ended.catch(() => undefined);
  const fed = await pipeline(Readable.from(archive), tar.stdin).catch((error: unknown) => error as Error);
  const failed = fed as NodeJS.ErrnoException | undefined;
  // Its own end is the better reason than that it took no more.
  if (failed && failed.code !== 'EPIPE') {
    tar.kill('SIGKILL');
    await ended.catch(() => undefined);
    throw failed instanceof InvalidError ? failed : broken(failed.message, failed);
  }
  const [code] = await ended.catch((cause: unknown) => {
    throw new ContainerError('the program "tar" could not be started', {
      hint: 'Install GNU tar on the worker.',
      cause,
    });
  });
  if (NO_ROOM.test(said)) throw noRoom();
  if (code !== 0) throw broken(said.trim() || `tar ended with ${code}`);
}

function noRoom(): ContainerError {
  return new ContainerError('the disk of this worker has no room for a layer of the image', {
    hint: 'Free some: layers are kept below its data directory.',
  });
}

function broken(reason: string, cause?: Error): InvalidError {
  return new InvalidError(`a layer of the image cannot be unpacked: ${reason}`, {
    hint: 'Build the image again; if it stays so, the image is broken.',
    cause,
  });
}

async function ungzip(layer: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = layer[Symbol.asyncIterator]();
  const first = await iterator.next();
  const start = first.done ? Buffer.alloc(0) : Buffer.from(first.value);
  const whole = (async function* () {
    yield start;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  if (start.length < 2 || start.readUInt16LE(0) !== GZIP_MAGIC) return whole;
  return gunzipped(whole);
}
