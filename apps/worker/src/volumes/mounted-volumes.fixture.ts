import { execFileSync as mount } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { openBlobStore, type BlobStore, type FilePart } from '@gantry/blobs';
import { CONTAINER_IDS } from '@gantry/containers';
import type { MountedVolume } from '@gantry/mounts';
import { ResourceExhaustedError, type VolumeHead, type VolumeMount } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { fileAt, type HeadStore, VolumeStore } from '@gantry/volumes';

import { WorkerVolumes } from './worker-volumes.ts';

/** How versions are shown. */
export interface Kind {
  copies: boolean;
  isMounted: boolean;
  /** Of what containers write; needs root. @defaultValue that of the machine */
  limitMiB?: number | undefined;
}

/** For tests: volumes of a worker without containers. */
export class VolumesUnderTest implements AsyncDisposable {
  readonly store: VolumeStore;
  readonly blobs: BlobStore;
  readonly folder: string;
  readonly volumes: WorkerVolumes;
  /** Digests of pieces that were stored. */
  readonly stored: string[] = [];
  mayCommit = true;
  /** How many more pieces the store has room for. */
  roomFor = Infinity;
  readonly #directory: TemporaryDirectory;
  readonly #heads = new Map<string, { head: VolumeHead; revision: number }>();
  readonly #open: MountedVolume[] = [];
  /** Versions that were said to be in use. */
  readonly used: string[] = [];
  readonly #inUse = {
    add: async (root: string | undefined) => {
      if (root !== undefined) this.used.push(root);
    },
    remove: (root: string | undefined) => {
      const at = this.used.indexOf(root ?? '');
      if (at >= 0 && root !== undefined) this.used.splice(at, 1);
    },
    close: async () => undefined,
  };
  #count = 0;
  #isLimited = false;

  private constructor(directory: TemporaryDirectory, blobs: BlobStore, { copies, isMounted }: Kind) {
    this.#directory = directory;
    this.blobs = blobs;
    this.folder = join(directory.path, 'volumes');
    this.store = new VolumeStore({
      heads: this.#headStore(),
      pages: {
        read: (digest) => blobs.getBytes(digest),
        write: async (bytes) => (await blobs.putBytes(bytes)).digest,
      },
      nowMs: Date.now,
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      random: Math.random,
    });
    const putPart = async (part: FilePart) => {
      if (this.roomFor-- <= 0) throw new ResourceExhaustedError('the blob store is full');
      const found = await blobs.putPart(part);
      this.stored.push(found.digest);
      return found;
    };
    this.volumes = new WorkerVolumes({
      ...{ folder: this.folder, store: this.store, copies, inUse: this.#inUse },
      mounts: isMounted
        ? {
            program: join(import.meta.dirname, 'version-daemon.fixture.ts'),
            setup: { folder: join(directory.path, 'blobs') },
            warn: (message) => console.warn(message),
          }
        : undefined,
      blobs: {
        getBytes: (digest) => blobs.getBytes(digest),
        putBytes: (bytes) => blobs.putBytes(bytes),
        putPart,
      },
      ownerId: copies ? undefined : CONTAINER_IDS.first,
    });
  }

  static async start(kind: Kind): Promise<VolumesUnderTest> {
    const directory = await temporaryDirectory('gantry-volumes-');
    const path = join(directory.path, 'blobs');
    await mkdir(path);
    const subject = new VolumesUnderTest(directory, await openBlobStore({ type: 'disk', path }), kind);
    if (kind.limitMiB !== undefined) {
      await mkdir(subject.folder);
      mount('mount', ['-t', 'tmpfs', '-o', `size=${kind.limitMiB}m`, 'tmpfs', subject.folder]);
      subject.#isLimited = true;
    }
    await subject.volumes.start();
    return subject;
  }

  newVolume(): string {
    const volumeId = `vo-test${++this.#count}`;
    const head = { version: 0, entries: 0, sizeBytes: 0, committedAtMs: 0 };
    this.#heads.set(volumeId, { head, revision: 1 });
    return volumeId;
  }

  deleteVolume(volumeId: string): void {
    this.#heads.delete(volumeId);
  }

  /** A container's part of a volume, with the newest version shown in its folder. */
  async mount(
    volumeId: string,
    changes: Partial<VolumeMount> = {},
  ): Promise<{ volume: MountedVolume; folder: string }> {
    const mount = { path: '/data', name: volumeId, environment: 'main', volumeId, ...changes };
    const { mounted, shown } = this.volumes.open({
      containerId: `ta-test${++this.#count}`,
      mounts: [mount],
      assertOwn: () => {
        if (!this.mayCommit) throw new Error('cut off');
      },
      onLost: (error) => console.warn(error.message),
      pid: () => undefined,
    });
    const [volume, place] = [mounted[0], shown[0]];
    if (!volume || !place) throw new Error('nothing was mounted');
    this.#open.push(volume);
    await volume.open();
    return { volume, folder: place.folder };
  }

  /** Paths of the newest version. */
  async paths(volumeId: string): Promise<string[]> {
    const { tree } = await this.store.open(volumeId);
    const paths: string[] = [];
    for await (const { path } of tree.walk()) paths.push(path);
    return paths;
  }

  /** A file of the newest version. */
  async text(volumeId: string, path: string): Promise<string> {
    const { tree } = await this.store.open(volumeId);
    const { blocks } = await fileAt(tree, path);
    return Buffer.concat(await Promise.all(blocks.map((digest) => this.blobs.getBytes(digest)))).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const volume of this.#open) await volume.close();
    await this.volumes.close();
    if (this.#isLimited) mount('umount', [this.folder]);
    await this.#directory.remove();
  }

  #headStore(): HeadStore {
    return {
      read: async (id) => this.#heads.get(id),
      move: async (id, head, revision) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#heads.get(id)?.revision !== revision) return false;
        this.#heads.set(id, { head, revision: revision + 1 });
        return true;
      },
    };
  }
}
