import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { StoredBlob } from '@gantry/blobs';
import { findRuncProblem } from '@gantry/containers';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const problem = findRuncProblem();

const freeFunction = (name: string, code: string): string =>
  `{ kind: 'function', name: '${name}', fn: ${code} }`;

describe.skipIf(problem)(`a worker with runc containers${problem ? ` (${problem.message})` : ''}`, () => {
  let folder: TemporaryDirectory;
  let platform: WorkerUnderTest;

  beforeAll(async () => {
    folder = await temporaryDirectory('gantry-runner-');
    platform = await WorkerUnderTest.start(await bundleRunner(join(folder.path, 'runner')), {
      driver: 'runc',
    });
  });
  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
    await folder?.remove();
  });

  /** A gzipped archive of these files, in the blob store. */
  async function archive(files: Record<string, string>): Promise<StoredBlob> {
    const source = join(folder.path, `source-${Math.random().toString(36).slice(2)}`);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(source, path)), { recursive: true });
      writeFileSync(join(source, path), content);
    }
    const bytes = execFileSync('tar', ['-czf', '-', '-C', source, '.']);
    return platform.blobs.putBytes(bytes);
  }

  it('runs calls, away from the files of the machine', async () => {
    const code = `async (x) => {
      const { existsSync, readdirSync } = await import('node:fs');
      return [x * 2, existsSync(${JSON.stringify(folder.path)}), readdirSync('/root'), process.cwd()];
    }`;
    const record = await platform.deploy(freeFunction('double', code));
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[21]]);
    expect(await call.value()).toEqual([42, false, [], '/root']);
  });

  it('gives code its npm packages, and the files that were added to its containers', async () => {
    const code = `async () => {
      const { readFileSync } = await import('node:fs');
      const { answer } = await import('answer');
      return [answer, readFileSync('words/a.txt', 'utf8'), readFileSync('/srv/data/b.txt', 'utf8')];
    }`;
    const record = await platform.deploy(freeFunction('needy', code));
    record.packages = await archive({
      'node_modules/answer/package.json': '{"name":"answer","main":"index.js"}',
      'node_modules/answer/index.js': 'exports.answer = 42;',
    });
    const [words, data] = [await archive({ 'a.txt': 'words' }), await archive({ 'b.txt': 'data' })];
    const files = [
      { digest: words.digest, remotePath: 'words' },
      { digest: data.digest, remotePath: '/srv/data' },
    ];
    record.image = { files };
    await platform.startContainer(record);
    expect(await (await platform.submit(record, '', [[]])).value()).toEqual([42, 'words', 'data']);
  });

  it('serves HTTP on the socket of a container, until that ends', async () => {
    const record = await platform.deploy(freeFunction('greet', "async () => ({ hello: 'web' })"));
    const [method] = record.spec.methods;
    if (!method) throw new Error('no method');
    method.web = { type: 'endpoint', method: 'GET', docs: false };
    const containerId = await platform.startContainer(record);
    const socketPath = platform.container(containerId)?.httpSocketPath ?? '';
    const request = httpGet({ socketPath, path: '/', headers: { host: 'greet.localhost' } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(await text(response)).toBe('{"hello":"web"}');
    await platform.command({ type: 'stop', fence: 1, containerId, reason: 'test' });
    await waitUntil(() => platform.container(containerId)?.exit?.code === 0);
  });

  it('keeps containers to the limits of their function, and knows when memory was short', async () => {
    const code = 'async () => { const all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1)); }';
    const record = await platform.deploy(freeFunction('hog', code), { memoryMiB: [64, 128] });
    const containerId = await platform.startContainer(record);
    await platform.submit(record, '', [[]]);
    await waitUntil(() => platform.container(containerId)?.exit?.reason === 'outOfMemory');
  });

  it('cuts off containers whose function wants no network', async () => {
    const code = `async () => Object.keys((await import('node:os')).networkInterfaces())`;
    const [alone, connected] = await Promise.all([
      platform.deploy(freeFunction('alone', code), { blockNetwork: true }),
      platform.deploy(freeFunction('connected', code)),
    ]);
    await Promise.all([platform.startContainer(alone), platform.startContainer(connected)]);
    expect(await (await platform.submit(alone, '', [[]])).value()).toEqual(['lo']);
    expect(await (await platform.submit(connected, '', [[]])).value()).toEqual(['lo', 'eth0']);
  });
});
