import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { type BlobStore, digestOf, openBlobStore } from '@gantry/blobs';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import { type BlockNotes, registryKeys, type VersionsInUse } from '@gantry/protocol';
import {
  Actor,
  ANY_ENVIRONMENT,
  faultRounds,
  startNats,
  temporaryDirectory,
  type TestNats,
} from '@gantry/testing';
import { Pieces, type VolumeDirectory } from '@gantry/volumes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openVolumes } from '../volumes/open-volumes.ts';
import { sweepBlocks } from './block-sweeps.ts';
import { upload } from './test-uploads.fixture.ts';
import type { UploadRequest, UploaderSetup } from './uploader.fixture.ts';

const HOUR_MS = 3600 * 1000;
const FIXTURE = join(import.meta.dirname, 'block-sweeps.fixture.ts');
const UPLOADER = join(import.meta.dirname, 'uploader.fixture.ts');

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

  async upload(volumeId: string, files: Record<string, string>): Promise<void> {
    const { directory, pieces } = this;
    const contents = Object.entries(files).map(([path, content]) => [path, Buffer.from(content)] as const);
    await upload({ directory, pieces, volumeId, files: new Map(contents) });
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

  /** Fails unless each blob that is found is what its name says. */
  async assertWhole(): Promise<void> {
    for await (const { digest } of this.blobs.list()) await this.blobs.getBytes(digest);
  }

  /** Of which round the files of an upload are. */
  async roundsIn(volumeId: string): Promise<number[]> {
    const { tree } = await this.directory.store.open(volumeId);
    const rounds: number[] = [];
    for await (const { entry } of tree.walk()) rounds.push(entry.mtimeMs);
    return rounds;
  }

  halfWritten(): Promise<string[]> {
    return readdir(join(this.folder, 'tmp'));
  }

  /** As a server does that opens the store so many hours later. */
  async startAgain(hours: number): Promise<void> {
    const then = new Date(Date.now() - hours * HOUR_MS);
    for (const name of await this.halfWritten()) await utimes(join(this.folder, 'tmp', name), then, then);
    await openBlobStore({ type: 'disk', path: this.folder });
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

  it(
    'of uploads that are killed are whole or not there, and go when nobody needs them, as what is half written does',
    { timeout: 3600_000 },
    async () => {
      const { rounds, random, again } = faultRounds(6);
      await withVolumes(async (volumes) => {
        const id = await volumes.create('cut-off');
        let answered = 0;
        for (let round = 1; round <= rounds; round++) {
          await volumes.age(100);
          await volumes.sweep(30);
          const setup: UploaderSetup = { natsUrl: nats.url, folder: volumes.folder, volumeId: id };
          const uploader = await Actor.start<UploadRequest>(UPLOADER, setup);
          const upload = uploader.ask({ round, isPartlyOld: round % 3 === 0 });
          const sweep = volumes.sweep();
          // Any moment will do. Now and then nobody is killed: what others remove meanwhile is needed then.
          if (round % 6 === 0) await upload;
          else await delay(random.integer(0, 250));
          await uploader.kill();
          await sweep;
          const isAnswered = await upload.then(
            () => true,
            () => false,
          );
          if (isAnswered) answered = round;
          const seen = await volumes.roundsIn(id);
          expect([0, 4], again).toContain(seen.length);
          expect(new Set(seen).size, again).toBe(seen.length === 0 ? 0 : 1);
          expect(seen[0] ?? 0, again).toBeGreaterThanOrEqual(answered);
          await volumes.needed();
          await volumes.assertWhole();
        }
        const cut = await volumes.halfWritten();
        console.log(
          again,
          `round ${answered} is the last that was answered, ${cut.length} files are half written`,
        );
        await volumes.age(100);
        await volumes.sweep(30);
        await volumes.sweep();
        expect(await volumes.present()).toEqual(await volumes.needed());
        await volumes.startAgain(25);
        expect(await volumes.halfWritten()).toEqual([]);
      });
    },
  );
});
