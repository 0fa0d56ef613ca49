import { once } from 'node:events';

import { ResourceExhaustedError, toWireError } from '@gantry/protocol';
import { VolumeTree, type PageStore } from '@gantry/volumes';

import type { BlockReader } from './block-source.ts';
import { type DaemonReply, type DaemonRequest, THREADS, type VersionToMount } from './daemon-messages.ts';
import { FileReads } from './file-reads.ts';
import { type FuseMount, mountFuse } from './fuse-mount.ts';
import { VersionFiles } from './version-files.ts';
import { VersionServer } from './version-server.ts';

/** Opens the blocks of the platform's volumes, in the mount daemon. */
export type OpenBlocks<TSetup> = (
  setup: TSetup,
  warn: (message: string) => void,
) => Promise<BlockReader> | BlockReader;

/**
 * The mount daemon: serves the file systems that its parent, a `VersionMounts`, asks for, until that is gone.
 *
 * @example
 * ```ts
 * await serveMounts<{ folder: string }>(({ folder }) => new LocalBlocks(folder));
 * ```
 */
export async function serveMounts<TSetup>(openBlocks: OpenBlocks<TSetup>): Promise<void> {
  if (!process.send) throw new Error('a mount daemon is started by a worker');
  const say = (message: DaemonReply): void => void process.send?.(message, () => undefined);
  const warn = (message: string): void => say({ type: 'warning', message });
  let setup: unknown;
  let opened: Promise<MountDaemon> | undefined;
  const open = (): Promise<MountDaemon> => {
    opened ??= (async () => new MountDaemon(await openBlocks(setup as TSetup, warn), warn))();
    // A store that cannot be reached now may be there for the next mount.
    opened.catch(() => (opened = undefined));
    return opened;
  };
  process.on('message', (message: DaemonRequest) => {
    if (message.type === 'start') {
      setup = message.setup;
      return;
    }
    const { id } = message;
    open()
      .then((present) => present.handle(message))
      .then(
        () => say({ type: 'done', id }),
        (error: unknown) => say({ type: 'failed', id, error: toWireError(error) }),
      );
  });
  await once(process, 'disconnect');
  await opened?.then((present) => present.close()).catch(() => undefined);
  // An orderly end would wait for the reads of devices, and with them for whoever has files open.
  process.kill(process.pid, 'SIGKILL');
}

/** Each keeps a thread waiting. */
const MOST_MOUNTS = THREADS - 16;

class MountDaemon {
  readonly #pages: PageStore;
  readonly #reads: FileReads;
  readonly #warn: (message: string) => void;
  readonly #mounts = new Map<string, FuseMount>();
  /** Mounts that somebody may still use. */
  #served = 0;
  /** Lends its pages to all others, as pages are found by content. */
  #empty: Promise<VolumeTree> | undefined;

  constructor(blocks: BlockReader, warn: (message: string) => void) {
    this.#pages = {
      read: async (digest) => {
        const page = await blocks.read(digest);
        // Trees keep their pages: they are no part of the memory that is used again.
        const bytes = page.bytes.slice();
        page.release();
        return bytes;
      },
      write: () => Promise.reject(new TypeError('a mounted version is not changed')),
    };
    this.#reads = new FileReads(blocks);
    this.#warn = warn;
  }

  async handle(message: Exclude<DaemonRequest, { type: 'start' }>): Promise<void> {
    if (message.type === 'mount') return this.#mount(message.at, message.version);
    const mount = this.#mounts.get(message.at);
    this.#mounts.delete(message.at);
    await mount?.unmount();
  }

  /** Takes all mounts from their places. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#mounts.values()].map((mount) => mount.unmount()));
  }

  async #mount(at: string, { root, ownerId }: VersionToMount): Promise<void> {
    if (this.#served >= MOST_MOUNTS)
      throw new ResourceExhaustedError(`${MOST_MOUNTS} versions of volumes are in use on this machine`);
    this.#empty ??= VolumeTree.open(this.#pages, undefined);
    const tree = await VolumeTree.open(this.#pages, root, await this.#empty);
    const server = new VersionServer({
      files: new VersionFiles(tree),
      reads: this.#reads,
      ownerId,
      warn: (message) => this.#warn(`${message} (version ${root ?? 'empty'})`),
    });
    const mount = await mountFuse(at, server);
    this.#mounts.set(at, mount);
    this.#served++;
    void mount.ended.then(() => this.#served--);
  }
}
