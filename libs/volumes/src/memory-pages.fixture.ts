import { createHash } from 'node:crypto';

import type { VolumeEntry } from '@gantry/protocol';

import type { PageStore } from './tree-pages.ts';

/** Pages in memory, and how often they are read and written. */
export class MemoryPages implements PageStore {
  readonly pages = new Map<string, Uint8Array>();
  reads = 0;
  writes = 0;

  async read(digest: string): Promise<Uint8Array> {
    this.reads++;
    const bytes = this.pages.get(digest);
    if (!bytes) throw new TypeError(`no page ${digest}`);
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<string> {
    this.writes++;
    const digest = `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
    this.pages.set(digest, Uint8Array.from(bytes));
    return digest;
  }
}

export function file(content: number | string = 1): VolumeEntry {
  return { type: 'file', mode: 0o644, mtimeMs: 1, sizeBytes: 10, blocks: [`sha256-${content}`] };
}

export const directory: VolumeEntry = { type: 'directory', mode: 0o755, mtimeMs: 1 };
