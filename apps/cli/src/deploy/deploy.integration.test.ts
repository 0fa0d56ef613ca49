import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { DeployReply, FileRef, ImageBuildEvent, Manifest } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { findEntry } from './find-entry.ts';
import { publishApp } from './publish-app.ts';
import type { Steps } from './steps.ts';
import { uploadFiles } from './upload.ts';

let directory: TemporaryDirectory;

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
});

afterEach(() => directory.remove());

async function write(file: string, text: string): Promise<string> {
  const target = path.join(directory.path, file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, text);
  return target;
}

const file = (name: string, digest: string): FileRef => ({ path: name, digest, sizeBytes: 6 });
const MANIFEST: Manifest = {
  schemaVersion: 1,
  sdkVersion: '0.1.0',
  bundle: file('bundle.mjs', 'sha256-b'),
  sourceMap: file('bundle.mjs.map', 'sha256-m'),
  packages: { ...file('bundle.mjs', 'sha256-b'), contents: [] },
  functions: [],
  entrypoints: [],
};

describe('findEntry', () => {
  test('takes a file as it is', async () => {
    const entry = await write('src/jobs.ts', '');

    expect(findEntry('src/jobs.ts', directory.path)).toEqual({ type: 'source', entry });
  });

  test('takes what package.json names, before the usual places', async () => {
    await write('src/app.ts', '');
    const entry = await write('lib/jobs.ts', '');
    await write('package.json', '{ "gantry": { "entry": "lib/jobs.ts" } }');

    expect(findEntry('.', directory.path)).toEqual({ type: 'source', entry });
  });

  test('falls back to the usual places', async () => {
    const entry = await write('src/app.ts', '');

    expect(findEntry('.', directory.path)).toEqual({ type: 'source', entry });
  });

  test('takes a folder with a manifest as built', async () => {
    await write('manifest.json', '{}');

    expect(findEntry('.', directory.path)).toEqual({ type: 'built', folder: directory.path });
  });

  test('names what does not exist, and what has no entry', () => {
    expect(() => findEntry('nothing.ts', directory.path)).toThrow('"nothing.ts" does not exist');
    expect(() => findEntry('.', directory.path)).toThrow('has no entry');
  });
});

describe('uploadFiles', () => {
  test('sends only what the server lacks, and each content once', async () => {
    await write('bundle.mjs', 'bundle');
    await write('bundle.mjs.map', 'map');
    const put = new Map<string, string>();
    const client = {
      hasBlob: async (digest: string) => digest === 'sha256-m',
      putBlob: async (digest: string, bytes: Uint8Array) =>
        void put.set(digest, Buffer.from(bytes).toString()),
    };

    const result = await uploadFiles({ client, manifest: MANIFEST, folder: directory.path });

    expect([...put]).toEqual([['sha256-b', 'bundle']]);
    expect(result).toEqual({ sent: 1, files: 2, sentBytes: 6 });
  });
});

const NO_STEPS: Steps = {
  run: async (_doing, step) => (await step(() => undefined)).value,
  ...{ progress: () => undefined, output: () => undefined, done: () => undefined, isQuiet: true },
};

describe('publishApp', () => {
  test('asks for images that owe nothing to earlier builds where the environment says so', async () => {
    const asked: unknown[] = [];
    const client = {
      findEnvironment: async () => ({ id: 'main', name: 'main', webSuffix: '', createdAtMs: 0 }),
      hasBlob: async () => true,
      putBlob: async () => undefined,
      async *buildImages(request: object): AsyncGenerator<ImageBuildEvent> {
        asked.push(request);
        yield { type: 'built', images: { ids: [] } };
      },
      deploy: async () => ({ appId: 'ap-1', version: 1 }) as DeployReply,
    };
    const steps = NO_STEPS;
    const built = { folder: directory.path, exportNames: [], imageFiles: [], manifest: MANIFEST };
    for (const env of [{}, { GANTRY_IGNORE_CACHE: '1' }, { GANTRY_FORCE_BUILD: '1' }]) {
      await publishApp({ client, built, steps, env, request: {} });
    }

    expect(asked).toMatchObject([{}, { ignoreCache: true }, { forceBuild: true }]);
    expect(asked[0]).toMatchObject({ ignoreCache: undefined, forceBuild: undefined });
  });

  test('ends a build of images, and deploys nothing, when nobody waits for it any more', async () => {
    const stop = new AbortController();
    let isDeployed = false;
    const client = {
      findEnvironment: async () => ({ id: 'main', name: 'main', webSuffix: '', createdAtMs: 0 }),
      hasBlob: async () => true,
      putBlob: async () => undefined,
      async *buildImages(_request: object, { signal }: { signal?: AbortSignal | undefined } = {}) {
        yield { type: 'step', title: 'run make' } as ImageBuildEvent;
        stop.abort(new Error('interrupted'));
        signal?.throwIfAborted();
        yield { type: 'built', images: { ids: [] } } as ImageBuildEvent;
      },
      deploy: async () => {
        isDeployed = true;
        return { appId: 'ap-1', version: 1 } as DeployReply;
      },
    };

    const built = { folder: directory.path, exportNames: [], imageFiles: [], manifest: MANIFEST };
    const { signal } = stop;
    const published = publishApp({ client, built, steps: NO_STEPS, env: {}, request: {}, signal });

    await expect(published).rejects.toThrow('interrupted');
    expect(isDeployed).toBe(false);
  });
});
