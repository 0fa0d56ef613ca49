import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { BLOCK_BYTES, type VolumeChange, type VolumeEntry } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { VolumeTree } from '@gantry/volumes';

import { BlockFolder } from './block-folder.ts';
import type { TestSetup } from './mount-daemon.fixture.ts';
import { VersionMounts } from './version-mounts.ts';

export function digestOf(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Versions of volumes in a folder of blocks, and mounts of them. */
export class TestVolume {
  readonly folder: string;
  readonly store: string;
  readonly warnings: string[] = [];
  readonly #blocks: BlockFolder;

  private constructor(folder: string) {
    this.folder = folder;
    this.store = join(folder, 'store');
    this.#blocks = new BlockFolder(this.store);
  }

  /** Hands a volume to a test, and removes it with all mounts in it. */
  static async use(test: (volume: TestVolume) => Promise<void>): Promise<void> {
    await using folder = await temporaryDirectory('gantry-mounts-');
    const volume = new TestVolume(folder.path);
    await mkdir(volume.store);
    try {
      await test(volume);
    } finally {
      await volume.mounts().reconcile();
    }
  }

  mounts(setup: Omit<TestSetup, 'store'> = {}, folder = join(this.folder, 'mounts')): VersionMounts {
    const program = join(import.meta.dirname, 'mount-daemon.fixture.ts');
    const warn = (message: string): void => void this.warnings.push(message);
    return new VersionMounts({ folder, program, setup: { store: this.store, ...setup }, warn });
  }

  async put(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes);
    if ((await this.#blocks.read(digest)) === undefined) await this.#blocks.write(digest, bytes);
    return digest;
  }

  async file(content: Uint8Array | string, { mode = 0o644, mtimeMs = 0 } = {}): Promise<VolumeEntry> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const blocks: string[] = [];
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES)
      blocks.push(await this.put(bytes.subarray(at, at + BLOCK_BYTES)));
    return { type: 'file', mode, mtimeMs, sizeBytes: bytes.length, blocks };
  }

  /** Resolves to the root of a version with these entries. */
  async version(...changes: VolumeChange[]): Promise<string> {
    const pages = { read: async () => new Uint8Array(), write: (bytes: Uint8Array) => this.put(bytes) };
    const tree = await (await VolumeTree.open(pages, undefined)).apply(changes);
    return tree.save();
  }
}
