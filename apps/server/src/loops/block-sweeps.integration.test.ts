import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { type BlobStore, digestOf, openBlobStore } from '@gantry/blobs';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import { type BlockNotes, registryKeys, type VersionsInUse, type VolumeEntry } from '@gantry/protocol';
import { ANY_ENVIRONMENT, faultRounds, startNats, temporaryDirectory, type TestNats } from '@gantry/testing';
import { Pieces, type VolumeDirectory } from '@gantry/volumes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openVolumes } from '../volumes/open-volumes.ts';
import { sweepBlocks } from './block-sweeps.ts';

const HOUR_MS = 3600 * 1000;
const FIXTURE = join(import.meta.dirname, 'block-sweeps.fixture.ts');

const stack = new AsyncDisposableStack();
let nats: TestNats;
let messaging: Messaging;

beforeAll(async () => {
  nats = stack.use(await startNats({ syncAlways: true }));
});
afterAll(() => stack.disposeAsync());

/** A platform of its own: registry and store. */
async function withVolumes(test: (volumes: TestVolumes) => Promise<void>): Promise<void> {
  await using folder = await temporaryDirectory('gantry-sweeps-');
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  try {
    await messaging.ensureStreams();
    const blobs = await openBlobStore({ type: 'disk', path: folder.path });
    const volumes = new TestVolumes(blobs, folder.path);
    await test(volumes);
    await volumes.forget();
  } finally {
    await messaging.close();
  }
}

class TestVolumes {
  readonly blobs: BlobStore;
  readonly folder: string;
  readonly directory: VolumeDirectory;
  /** Waits half as long as servers do, which is still more than a collection has between a look and a removal. */
  readonly pieces: Pieces;

  constructor(blobs: BlobStore, folder: string) {
    this.blobs = blobs;
    this.folder = folder;
    this.directory = openVolumes({ registry: messaging.registry, blobs, environments: ANY_ENVIRONMENT });
    this.pieces = new Pieces(blobs, (ms) => delay(ms / 2));
  }

  async create(name: string): Promise<string> {
    return (await this.directory.create('main', name, { mustBeNew: true })).id;
  }

  /** As the command line does it: asks what is missing, uploads that, commits. */
  async upload(volumeId: string, files: Record<string, string>): Promise<void> {
    const changes = Object.entries(files).map(([path, content]) => {
      const bytes = Buffer.from(content);
      const blocks = [digestOf(bytes)];
      const entry: VolumeEntry = { type: 'file', mode: 0o644, mtimeMs: 0, sizeBytes: bytes.length, blocks };
      return { path, entry, bytes };
    });
    const digests = changes.map(({ bytes }) => digestOf(bytes));
    const missing = new Set(await this.pieces.missing(digests));
    const lacking = changes.filter(({ bytes }) => missing.has(digestOf(bytes)));
    await this.pieces.putAll(lacking.map(({ bytes }) => bytes));
    const checked = await this.pieces.check(changes.map(({ path, entry }) => ({ path, entry })));
    await this.directory.store.commit(volumeId, () => checked);
  }

  async age(hours: number): Promise<void> {
    const then = new Date(Date.now() - hours * HOUR_MS);
    for await (const { digest } of this.blobs.list())
      await utimes(join(this.folder, digest.slice(7, 9), digest.slice(9, 11), digest), then, then);
  }

  sweep(agoHours = 0): Promise<number> {
    const nowMs = (): number => Date.now() - agoHours * HOUR_MS;
    return sweepBlocks({ messaging, volumeBlobs: this.blobs }, { nowMs });
  }

  /** Fails unless all files of all volumes can be read; resolves to what they are made of. */
  async needed(): Promise<Set<string>> {
    const needed = new Set<string>();
    for (const { id } of await this.directory.list('main')) {
      // A server that knows nothing yet.
      const fresh = openVolumes({
        registry: messaging.registry,
        blobs: this.blobs,
        environments: ANY_ENVIRONMENT,
      });
      const { head, tree } = await fresh.store.open(id);
      if (head.root !== undefined) needed.add(head.root);
      for await (const digest of tree.references(new Set())) needed.add(digest);
    }
    for (const digest of needed) await this.blobs.getBytes(digest);
    return needed;
  }

  async present(): Promise<Set<string>> {
    const present = new Set<string>();
    for await (const { digest } of this.blobs.list()) present.add(digest);
    const notes = await messaging.registry.get<BlockNotes>(registryKeys.blockNotes);
    if (notes) present.delete(notes.value.digest);
    return present;
  }

  async forget(): Promise<void> {
    for (const { name } of await this.directory.list('main')) await this.directory.delete('main', name);
    await messaging.registry.delete(registryKeys.blockNotes);
  }
}

describe('blocks of volumes', () => {
  it('are removed when no volume has needed them for a day: of removed files, old versions and deleted volumes', async () => {
    await withVolumes(async (volumes) => {
      const [kept, deleted] = [await volumes.create('kept'), await volumes.create('deleted')];
      await volumes.upload(kept, { a: 'stays', b: 'goes', c: 'of both' });
      await volumes.upload(deleted, { c: 'of both', d: 'of the deleted' });
      await volumes.directory.store.commit(kept, () => [{ path: 'b' }]);
      await volumes.directory.delete('main', 'deleted');
      await volumes.age(60);
      expect(await volumes.sweep(25)).toBe(0);
      expect(await volumes.sweep(2)).toBe(0);
      expect(await volumes.sweep()).toBeGreaterThan(0);
      expect(await volumes.present()).toEqual(await volumes.needed());
      expect(await volumes.blobs.has(digestOf(Buffer.from('goes')))).toBe(false);
      expect(await volumes.blobs.has(digestOf(Buffer.from('of both')))).toBe(true);
    });
  });

  it('of a version that a worker has mounted stay, until the worker has not been heard of for hours', async () => {
    await withVolumes(async (volumes) => {
      const id = await volumes.create('mounted');
      await volumes.upload(id, { a: 'old' });
      const { head, tree } = await volumes.directory.store.open(id);
      const inUse = (renewedAtMs: number): VersionsInUse => ({ roots: [head.root ?? ''], renewedAtMs });
      await messaging.registry.put(registryKeys.versionsInUse('wk-1'), inUse(Date.now()));
      await volumes.upload(id, { a: 'new' });
      await volumes.age(60);
      await volumes.sweep(26);
      await volumes.sweep();
      expect(await tree.entry('a')).toBeDefined();
      expect(await volumes.blobs.has(digestOf(Buffer.from('old')))).toBe(true);
      expect(await volumes.blobs.has(head.root ?? '')).toBe(true);
      await messaging.registry.put(registryKeys.versionsInUse('wk-1'), inUse(Date.now() - 100 * HOUR_MS));
      await volumes.sweep(26);
      await volumes.sweep();
      expect(await volumes.blobs.has(digestOf(Buffer.from('old')))).toBe(false);
      await volumes.needed();
      await messaging.registry.delete(registryKeys.versionsInUse('wk-1'));
    });
  });

  it(
    'that a commit needs are there after it, whenever collections beside it are killed',
    { timeout: 3600_000 },
    async () => {
      const { rounds, random, again } = faultRounds(6);
      console.log(again);
      await withVolumes(async (volumes) => {
        const id = await volumes.create('busy');
        const contents = Array.from({ length: 120 }, (_, index) => `content ${index}`);
        for (let round = 0; round < rounds; round++) {
          // Half of it is not needed any more, and comes back in the next round, while it is being removed.
          const first = contents.slice(0, 80 + (round % 40));
          await volumes.upload(id, Object.fromEntries(first.map((content, index) => [`f${index}`, content])));
          await volumes.directory.store.commit(id, () =>
            first.slice(40).map((_, index) => ({ path: `f${index + 40}` })),
          );
          await volumes.age(100);
          await volumes.sweep(30);
          const sweeper = spawn(process.execPath, [FIXTURE, nats.url, volumes.folder], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          const ended = once(sweeper, 'exit');
          await once(sweeper.stdout, 'data');
          const again = contents.slice(30, 60);
          const upload = volumes.upload(
            id,
            Object.fromEntries(again.map((content) => [`again/${content}`, content])),
          );
          // Any moment will do: nothing here waits for one.
          await delay(random.integer(0, 40));
          if (random.next() < 0.3) {
            nats.kill();
            await nats.restart();
            await delay(random.integer(0, 40));
          }
          sweeper.kill('SIGKILL');
          await ended;
          await upload;
          await volumes.needed();
        }
        await volumes.age(100);
        await volumes.sweep(30);
        await volumes.sweep();
        expect(await volumes.present()).toEqual(await volumes.needed());
      });
    },
  );
});
