import { createHash } from 'node:crypto';

import type { VolumeEntry, VolumeHead } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BlockCollector } from './block-collector.ts';
import { type BlockInventory, COLLECTION, type StoredBlock } from './block-inventory.ts';
import { BlockPresence } from './block-presence.ts';
import { VolumeStore } from './volume-store.ts';
import { VolumeTree } from './volume-tree.ts';

const HOUR_MS = 3600 * 1000;

/** A platform in memory whose every step of I/O waits for its turn, which a scheduler deals out. */
class Platform {
  nowMs = 1_000_000_000;
  readonly blocks = new Map<string, { bytes: Uint8Array; storedAtMs: number }>();
  readonly heads = new Map<string, { head: VolumeHead; revision: number }>();
  readonly inUse = new Set<string>();
  removed = 0;
  #notes: { bytes?: Uint8Array; revision: number } = { revision: 0 };
  readonly #turn: () => Promise<void>;

  constructor(turn: () => Promise<void> = () => Promise.resolve()) {
    this.#turn = turn;
  }

  readonly inventory: BlockInventory = {
    list: () => this.#list(),
    storedAtMs: async (digest) => {
      await this.#turn();
      return this.blocks.get(digest)?.storedAtMs;
    },
    refresh: async (digest) => {
      await this.#turn();
      const block = this.blocks.get(digest);
      if (block) block.storedAtMs = this.nowMs;
      return block !== undefined;
    },
    delete: async (digest) => {
      await this.#turn();
      this.blocks.delete(digest);
      this.removed++;
    },
  };

  readonly pages = {
    read: async (digest: string) => {
      await this.#turn();
      const block = this.blocks.get(digest);
      if (!block) throw new TypeError(`no block ${digest}`);
      return block.bytes;
    },
    write: async (bytes: Uint8Array) => {
      await this.#turn();
      return this.put(bytes);
    },
  };

  readonly store = new VolumeStore({
    heads: {
      read: async (id) => {
        await this.#turn();
        return this.heads.get(id);
      },
      move: async (id, head, revision) => {
        await this.#turn();
        if (this.heads.get(id)?.revision !== revision) return false;
        this.heads.set(id, { head, revision: revision + 1 });
        return true;
      },
    },
    pages: this.pages,
    nowMs: () => this.nowMs,
    pause: () => this.#turn(),
    random: () => 0.5,
  });

  presence(): BlockPresence {
    const pause = async (ms: number): Promise<void> => {
      const endMs = this.nowMs + ms;
      await this.#turn();
      this.nowMs = Math.max(this.nowMs, endMs);
    };
    return new BlockPresence({ inventory: this.inventory, nowMs: () => this.nowMs, pause });
  }

  collector(): BlockCollector {
    return new BlockCollector({
      roots: async () => {
        await this.#turn();
        const heads = [...this.heads.values()].flatMap(({ head }) => head.root ?? []);
        return [...heads, ...this.inUse];
      },
      ...{ pages: this.pages, inventory: this.inventory, nowMs: () => this.nowMs },
      notes: {
        read: async () => this.#notes,
        write: async (bytes, revision) => {
          await this.#turn();
          if (this.#notes.revision !== revision) return false;
          this.#notes = { bytes, revision: revision + 1 };
          return true;
        },
      },
    });
  }

  put(bytes: Uint8Array): string {
    const digest = `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
    this.blocks.set(digest, { bytes: Uint8Array.from(bytes), storedAtMs: this.nowMs });
    return digest;
  }

  addVolume(id: string): void {
    this.heads.set(id, { head: { version: 0, entries: 0, sizeBytes: 0, committedAtMs: 0 }, revision: 0 });
  }

  /** Stores a file as a client does: what is said to be missing, then a commit that checks once more. */
  async upload(id: string, path: string, content: string, presence = this.presence()): Promise<void> {
    const bytes = Buffer.from(content);
    const digest = `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
    for (
      let missing = await presence.missing([digest]);
      ;
      missing = await presence.missingForCommit([digest])
    ) {
      for (const lacking of missing) {
        await this.#turn();
        expect(this.put(bytes)).toBe(lacking);
        presence.stored(lacking);
      }
      if (missing.length === 0 && (await presence.missingForCommit([digest])).length === 0) break;
    }
    const entry: VolumeEntry = {
      type: 'file',
      mode: 0o644,
      mtimeMs: 0,
      sizeBytes: bytes.length,
      blocks: [digest],
    };
    await this.store.commit(id, () => [{ path, entry }]);
  }

  remove(id: string, path: string): Promise<VolumeHead> {
    return this.store.commit(id, () => [{ path }]);
  }

  /** Fails unless every version that somebody may read is whole. Returns what they lead to. */
  async assertWhole(): Promise<Set<string>> {
    const pages = {
      read: async (digest: string) => {
        const block = this.blocks.get(digest);
        if (!block) throw new TypeError(`page ${digest} is gone`);
        return block.bytes;
      },
      write: async () => '',
    };
    const needed = new Set<string>();
    const roots = [...[...this.heads.values()].flatMap(({ head }) => head.root ?? []), ...this.inUse];
    for (const root of roots) {
      needed.add(root);
      const tree = await VolumeTree.open(pages, root);
      for await (const digest of tree.references(new Set())) {
        expect(this.blocks.has(digest), digest).toBe(true);
        needed.add(digest);
      }
    }
    return needed;
  }

  async *#list(): AsyncGenerator<StoredBlock> {
    for (const [digest, { storedAtMs }] of [...this.blocks]) {
      await this.#turn();
      yield { digest, storedAtMs };
    }
  }
}

const VOLUMES = ['vo-a', 'vo-b'];
/** Few paths and contents, so that what was removed comes back. */
const step = fc.record({
  does: fc.constantFrom('upload', 'upload', 'remove'),
  volume: fc.constantFrom(...VOLUMES),
  path: fc.constantFrom('a', 'b'),
  content: fc.constantFrom('1', '2'),
});
/** What happens at the same time as a collection, and how long nothing happens then. */
const round = fc.record({
  steps: fc.array(step, { maxLength: 3 }),
  restHours: fc.constantFrom(1, 13, 25),
});

describe('the collection of blocks', () => {
  it('removes nothing that a version leads to, in any order of steps of uploads, commits, removals and collections', async () => {
    let removed = 0;
    const rounds = fc.array(round, { minLength: 4, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), rounds, async (s, all) => {
        const platform = new Platform(() => s.schedule(Promise.resolve()));
        for (const id of VOLUMES) platform.addVolume(id);
        // What was seen of a block long ago is remembered.
        const presence = platform.presence();
        for (const { steps, restHours } of all) {
          const running = steps.map(({ does, volume, path, content }) =>
            does === 'upload'
              ? platform.upload(volume, path, content, presence)
              : platform.remove(volume, path),
          );
          await s.waitFor(Promise.all([platform.collector().collect(), ...running]));
          await platform.assertWhole();
          platform.nowMs += restHours * HOUR_MS;
        }
        removed += platform.removed;
        for (let pass = 0; pass < 2; pass++) {
          platform.nowMs += 25 * HOUR_MS;
          await s.waitFor(platform.collector().collect());
        }
        // And everything else goes in the end.
        expect(new Set(platform.blocks.keys())).toEqual(await platform.assertWhole());
      }),
      { numRuns: 200 },
    );
    expect(removed).toBeGreaterThan(0);
  });

  it('removes what a version led to a day after it was replaced, and not while it is in use, however old it is', async () => {
    const platform = new Platform();
    platform.addVolume('vo-a');
    await platform.upload('vo-a', 'a', 'old');
    const { root = '' } = platform.heads.get('vo-a')?.head ?? {};
    const old = [...platform.blocks.keys()];
    platform.nowMs += 1000 * HOUR_MS;
    await platform.collector().collect();
    await platform.upload('vo-a', 'a', 'new');
    const left = () => old.filter((digest) => platform.blocks.has(digest)).length;
    for (let hour = 0; hour < 24; hour += 6) {
      await platform.collector().collect();
      platform.nowMs += 6 * HOUR_MS - 1;
    }
    expect(left()).toBe(3);
    platform.inUse.add(root);
    platform.nowMs += 48 * HOUR_MS;
    await platform.collector().collect();
    await platform.assertWhole();
    platform.inUse.delete(root);
    await platform.collector().collect();
    platform.nowMs += COLLECTION.graceMs;
    expect(await platform.collector().collect()).toBe(3);
    expect(left()).toBe(0);
    await platform.assertWhole();
  });

  it('removes nothing where a page cannot be read', async () => {
    const platform = new Platform();
    platform.addVolume('vo-a');
    await platform.upload('vo-a', 'a', 'content');
    const { root = '' } = platform.heads.get('vo-a')?.head ?? {};
    platform.blocks.delete(root);
    platform.put(Buffer.from('nobody needs this'));
    for (let pass = 0; pass < 3; pass++) {
      platform.nowMs += 25 * HOUR_MS;
      await expect(platform.collector().collect()).rejects.toThrow('no block');
    }
    expect(platform.removed).toBe(0);
  });
});
