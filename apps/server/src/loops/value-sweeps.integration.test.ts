import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { type BlobStore, digestOf, openBlobStore } from '@gantry/blobs';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import { type InputMessage, newCallId, newId, newSessionKey, valueName } from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { minioAvailable, startMinio, startNats, temporaryDirectory, waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startServer } from '../main.ts';
import { TOKEN } from '../testing/test-client.ts';
import { sweepValues } from './value-sweeps.ts';

const DAY_MS = 24 * 3600 * 1000;
const FIXTURE = join(import.meta.dirname, 'value-sweeps.fixture.ts');
const log = createLogger({ name: 'test', level: 'silent' });

const stack = new AsyncDisposableStack();
let natsUrl: string;
let messaging: Messaging;

beforeAll(async () => {
  const nats = await startNats();
  stack.defer(() => nats.stop());
  natsUrl = nats.url;
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  stack.defer(() => messaging.close());
  await messaging.ensureStreams();
});

afterAll(() => stack.disposeAsync());

const KINDS = [
  ['disk', true],
  ['S3 (skipped only without the minio program)', minioAvailable()],
] as const;

describe.each(KINDS.filter(([, isThere]) => isThere))('values in a blob store: %s', (kind) => {
  let blobs: BlobStore;
  beforeAll(async () => {
    if (kind === 'disk') blobs = await aDiskStore();
    else {
      const minio = await startMinio();
      stack.defer(() => minio.stop());
      const { endpoint, accessKey, secretKey } = minio;
      blobs = await openBlobStore({ type: 's3', endpoint, accessKey, secretKey, bucket: 'blobs' });
    }
  });

  test('are removed by a sweep 7 days after they were stored, and a slack; what is no value stays', async () => {
    const bundle = (await blobs.putBytes(bytesOf('a bundle'))).digest;
    const ages = [10, 9, 7, 0].map((days) => aValue(blobs, 'x', days));
    const [ten, nine, seven, young] = (await Promise.all(ages)) as [string, string, string, string];

    expect(await sweep(blobs)).toBe(2);

    expect(await present(blobs, [ten, nine, seven, young, bundle])).toEqual([seven, young, bundle]);
  });

  test('stay as long as an input in the queue needs them, whatever its attempt', async () => {
    const pool = newId('fu');
    const stored = ['waiting', 'retried', 'unneeded'].map((text) => aValue(blobs, text, 20));
    const [waiting, retried, unneeded] = (await Promise.all(stored)) as [string, string, string];
    await messaging.inputs.submit(pool, anInput(waiting));
    await messaging.inputs.submit(pool, { ...anInput(retried), attempt: 3 });
    await messaging.inputs.submit(pool, anInput(waiting));

    expect(await sweep(blobs)).toBe(1);
    expect(await present(blobs, [waiting, retried, unneeded])).toEqual([waiting, retried]);

    await messaging.inputs.purgePool(pool);
    expect(await sweep(blobs)).toBe(2);
  });
});

test('values are removed by a server when it begins to lead', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'blobs');
  const blobs = await openBlobStore({ type: 'disk', path });
  const stored = [30, 1].map((days) => aValue(blobs, 'x', days));
  const [old, young] = (await Promise.all(stored)) as [string, string];

  const server = await startServer({
    ...{ natsUrl, dataDir: directory.path, blobs: { type: 'disk', path }, host: '127.0.0.1', port: 0 },
    ...{ token: TOKEN, workspace: 'local', gatewayUrl: 'https://gantry.localhost:7443', log },
  });
  await waitUntil(async () => !(await blobs.has(old)));
  await server.stop();

  expect(await present(blobs, [young])).toEqual([young]);
});

test('sweeps that are killed, and several at once, remove the same as one that is left alone', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'blobs');
  const blobs = await openBlobStore({ type: 'disk', path });
  const pool = newId('fu');
  const old = await Promise.all(
    Array.from({ length: 600 }, (_, index) => aValue(blobs, `${index}`, 9 + (index % 5))),
  );
  const young = await Promise.all(
    Array.from({ length: 20 }, (_, index) => aValue(blobs, `${index}`, index % 8)),
  );
  const needed = old.filter((_, index) => index % 10 === 0);
  await Promise.all(needed.map((name) => messaging.inputs.submit(pool, anInput(name))));
  const left = async (): Promise<number> => (await present(blobs, old)).length;

  for (let kill = 0; kill < 3; kill++) {
    const before = await left();
    const sweeper = startSweeper(path);
    const ended = once(sweeper, 'exit');
    while ((await left()) === before && sweeper.exitCode === null) await delay(1);
    sweeper.kill('SIGKILL');
    await ended;
  }
  const ends = [1, 2].map(async () => (await once(startSweeper(path), 'exit'))[0] as number);
  expect(await Promise.all(ends)).toEqual([0, 0]);

  expect((await present(blobs, old)).sort()).toEqual([...needed].sort());
  expect(await present(blobs, young)).toEqual(young);
  for (const name of needed) expect((await blobs.getBytes(name)).length).toBeGreaterThan(0);
  await messaging.inputs.purgePool(pool);
});

function startSweeper(path: string): ChildProcess {
  return spawn(process.execPath, [FIXTURE, natsUrl, path], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function aDiskStore(): Promise<BlobStore> {
  const directory = await temporaryDirectory();
  stack.defer(directory.remove);
  return await openBlobStore({ type: 'disk', path: directory.path });
}

async function sweep(blobs: BlobStore): Promise<number> {
  return await sweepValues({ messaging, blobs, log }, { nowMs: Date.now() });
}

/** Stores a value as if so many days ago. */
async function aValue(blobs: BlobStore, text: string, daysAgo: number): Promise<string> {
  const bytes = bytesOf(`${text} of ${daysAgo} days ago`);
  const name = valueName(digestOf(bytes), Date.now() - daysAgo * DAY_MS);
  await blobs.put(name, bytes);
  return name;
}

async function present(blobs: BlobStore, names: string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => blobs.has(name)));
  return names.filter((_, index) => found[index]);
}

function anInput(blob: string): InputMessage {
  return {
    inputId: newId('in'),
    callId: newCallId(newSessionKey()),
    index: 0,
    functionId: newId('fu'),
    method: '',
    args: { blob, sizeBytes: 600_000 },
    attempt: 0,
  };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
