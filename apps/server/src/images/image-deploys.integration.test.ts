import { noBuildsReason, sharedBase, sharedBaseStore } from '@gantry/containers/testing';
import { planImage, stepKey } from '@gantry/images';
import {
  type BuildStep,
  type FunctionRecord,
  type ImageBuildEvent,
  type ImageRecord,
  type Manifest,
  registryKeys,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, manifest } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

const MINUTES = 60_000;

describe.skipIf(noBuildsReason !== undefined)(
  `deploys with images${noBuildsReason ? ` (${noBuildsReason})` : ''}`,
  () => {
    let platform: TestPlatform;

    beforeAll(async () => {
      platform = await TestPlatform.start();
      platform.worker.hasImages = true;
      platform.worker.report();
      await waitUntil(async () => {
        const { json } = await platform.client.request('GET', '/v1/hello');
        return JSON.stringify(json['drivers']).includes('"images":true');
      });
      await bringSharedBase(platform);
      await platform.client.deploy({
        manifest: manifest([fn('f', { image: 0 })], { appName: 'first', images: images([]) }),
      });
    }, 5 * MINUTES);

    afterAll(async () => {
      await platform.stop();
    });

    /** Builds as the CLI does, then deploys; resolves with what it heard, and the image of the function. */
    async function build(request: Record<string, unknown> & { manifest: Manifest }) {
      const { text } = await platform.client.request('POST', '/v1/images', {
        environment: 'main',
        ...request,
      });
      const events = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as ImageBuildEvent);
      return { events, last: events.at(-1) };
    }

    async function deployed(name: string): Promise<FunctionRecord | undefined> {
      const reply = await platform.client.request('GET', `/v1/apps/${name}?environment=main`);
      const [{ id } = { id: '' }] = (reply.json['functions'] ?? []) as { id: string }[];
      return (await platform.messaging.registry.get<FunctionRecord>(registryKeys.function(id)))?.value;
    }

    const app = (appName: string, steps: BuildStep[]) => ({
      manifest: manifest([fn('f', { image: 0 })], { appName, images: images(steps) }),
    });

    it(
      'build what is missing, tell it while it goes on, and give functions what came out',
      async () => {
        const request = app('shop', [
          { type: 'run', commands: ['echo hello; echo content > /made'] },
          { type: 'env', variables: { A: '1' } },
        ]);
        const { events, last } = await build(request);
        expect(events.slice(0, 5)).toMatchObject([
          { type: 'stepCached', image: 0, title: 'Debian' },
          { type: 'stepCached', title: `Node ${process.versions.node}` },
          { type: 'step', title: 'run echo hello; echo content > /made' },
          { type: 'output', text: 'hello' },
          { type: 'stepDone' },
        ]);
        if (last?.type !== 'built' || !last.images) throw new Error('nothing was built');
        const { status } = await platform.client.deploy({ ...request, images: last.images });
        expect(status).toBe(200);
        const id = (await deployed('shop'))?.image?.id ?? '';
        expect(id).toBe(last.images.ids[0]);
        const record = await platform.messaging.registry.get<ImageRecord>(registryKeys.image(id));
        const looked = await platform.client.request('GET', '/v1/apps/shop/functions/f?environment=main');
        expect(looked.json).toMatchObject({ imageId: id });
        const found = await platform.client.request('GET', `/v1/images/${id}`);
        expect(found.json).toEqual({ id, builtAtMs: record?.value.builtAtMs });
        expect((await platform.client.request('GET', `/v1/images/im-${'0'.repeat(22)}`)).status).toBe(404);
        expect(record?.value.config.env).toMatchObject({ A: '1' });
        for (const { digest } of record?.value.layers ?? []) {
          expect((await platform.client.request('HEAD', `/v1/blobs/${digest}`)).status).toBe(200);
        }
        expect((await build(request)).events.map(({ type }) => type)).toEqual([
          ...['stepCached', 'stepCached', 'stepCached'],
          'built',
        ]);
      },
      MINUTES,
    );

    it(
      'that fail change nothing, and say which step and what it printed last',
      async () => {
        const before = await platform.client.deploy(app('steady', []));
        expect(before.status).toBe(200);
        const failing = app('steady', [{ type: 'run', commands: ['echo last words; exit 3'] }]);
        const { last } = await build(failing);
        expect(last).toMatchObject({
          type: 'failed',
          error: {
            code: 'BUILD_FAILED',
            message: 'the image step "run echo last words; exit 3" (src/shop.ts:2) failed: ended with code 3',
            details: { lastLines: ['last words'] },
          },
        });
        const { status } = await platform.client.deploy(failing);
        expect(status).toBe(422);
        expect((await deployed('steady'))?.version).toBe(1);
      },
      MINUTES,
    );

    it(
      'roll back to the image of that version, without building it',
      async () => {
        await platform.client.deploy(app('back', [{ type: 'run', commands: ['echo one > /version'] }]));
        const first = (await deployed('back'))?.image?.id;
        await platform.client.deploy(app('back', [{ type: 'run', commands: ['echo two > /version'] }]));
        expect((await deployed('back'))?.image?.id).not.toBe(first);
        await platform.client.request('POST', '/v1/apps/back/rollback?environment=main', {});
        expect((await deployed('back'))?.image?.id).toBe(first);
      },
      2 * MINUTES,
    );

    it(
      'end what they build when their client leaves',
      async () => {
        const left = new AbortController();
        const response = await fetch(`${platform.client.url}/v1/images`, {
          method: 'POST',
          headers: { authorization: 'Bearer test-token-1234' },
          body: JSON.stringify({
            environment: 'main',
            ...app('left', [{ type: 'run', commands: ['echo on; sleep 500'] }]),
          }),
          signal: left.signal,
        });
        const reader = response.body?.getReader();
        for (let text = ''; !text.includes('"on"');)
          text += new TextDecoder().decode((await reader?.read())?.value);
        left.abort();
        // Whoever comes after it starts anew, and is not given a build that has ended.
        const { events } = await build(app('left', [{ type: 'run', commands: ['echo on; sleep 1'] }]));
        expect(events.at(-1)?.type).toBe('built');
      },
      MINUTES,
    );

    it('build none for functions that have none', async () => {
      await platform.client.deploy({ manifest: manifest([fn('f')], { appName: 'plain' }) });
      expect((await deployed('plain'))?.image).toBeUndefined();
    });
  },
);

function images(steps: BuildStep[]): NonNullable<Manifest['images']> {
  const sites = Array.from({ length: steps.length + 1 }, (_, at) => ({ file: 'src/shop.ts', line: at + 1 }));
  return [{ steps: [{ type: 'debian' }, ...steps], sites }];
}

/** A Debian takes half a minute, and all tests have the same one. */
async function bringSharedBase({ client, messaging }: TestPlatform): Promise<void> {
  const { layers, config } = await sharedBase();
  for (const { digest } of layers) {
    const bytes: Uint8Array[] = [];
    for await (const chunk of await sharedBaseStore.get(digest)) bytes.push(chunk);
    await client.request('PUT', `/v1/blobs/${digest}`, Buffer.concat(bytes));
  }
  const { steps } = planImage({ steps: [{ type: 'debian' }] }, { nodeVersion: process.versions.node });
  for (const [at, step] of steps.entries()) {
    if (step.kind !== 'layer') continue;
    const below = at === 0 ? undefined : { layers: layers.slice(0, at), config };
    const record = { layers: layers.slice(0, at + 1), config, builtAtMs: Date.now() };
    await messaging.registry.put(registryKeys.imageStep(await stepKey(below, step.definition)), record);
  }
}
