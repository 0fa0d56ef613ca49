import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { subjects } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

let folder: TemporaryDirectory;
let platform: WorkerUnderTest;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-runner-');
  platform = await WorkerUnderTest.start(await bundleRunner(folder.path));
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

const freeFunction = (name: string, code: string): string =>
  `{ kind: 'function', name: '${name}', fn: ${code} }`;

function cancel(callId: string, terminateContainers = false): void {
  platform.messaging.publish(subjects.cancel, { callId, terminateContainers });
}

describe('a cancelled input', () => {
  it('that never yields takes its container with it, whose other inputs run again elsewhere', async () => {
    const started = join(folder.path, 'sibling');
    const record = await platform.deploy(
      freeFunction(
        'mixed',
        `async (what) => {
          const { appendFileSync, readFileSync } = await import('node:fs');
          if (what === 'spin') for (;;) Math.sqrt(2);
          appendFileSync(${JSON.stringify(started)}, 'x');
          if (readFileSync(${JSON.stringify(started)}, 'utf8') === 'x') await new Promise((done) => setTimeout(done, 600_000));
          return 'again';
        }`,
      ),
      { maxInputs: 2 },
    );
    const containerId = await platform.startContainer(record);
    const sibling = await platform.submit(record, '', [['wait']]);
    await waitUntil(() => existsSync(started));
    const spinning = await platform.submit(record, '', [['spin']]);
    await waitUntil(() => platform.container(containerId)?.running === 2);
    await platform.startContainer(record);

    cancel(spinning.callId);

    expect((await spinning.output()).outcome).toMatchObject({
      type: 'failure',
      failure: { code: 'CANCELLED' },
    });
    expect(await sibling.value()).toBe('again');
    expect(platform.container(containerId)?.exit?.message).toContain('its code went on');
  });

  it('with terminateContainers ends its container at once, whose other inputs run again elsewhere', async () => {
    const record = await platform.deploy(
      freeFunction(
        'where',
        `(ms) => new Promise((done) => setTimeout(() => done(process.env.GANTRY_CONTAINER_ID), ms))`,
      ),
      { maxInputs: 2 },
    );
    const containerId = await platform.startContainer(record);
    const cancelled = await platform.submit(record, '', [[600_000]]);
    const neighbour = await platform.submit(record, '', [[3_000]]);
    await waitUntil(() => platform.container(containerId)?.running === 2);
    const other = await platform.startContainer(record);

    cancel(cancelled.callId, true);

    expect((await cancelled.output()).outcome).toMatchObject({ failure: { code: 'CANCELLED' } });
    expect(await neighbour.value()).toBe(other);
    expect(platform.container(containerId)?.exit?.reason).toBe('killed');
  });

  it('that only ignores its signal leaves its container to the other inputs, and ends with it after them', async () => {
    const record = await platform.deploy(
      freeFunction('deaf', '(ms) => new Promise((done) => setTimeout(() => done(ms), ms))'),
      { maxInputs: 2 },
    );
    const containerId = await platform.startContainer(record);
    const deaf = await platform.submit(record, '', [[600_000]]);
    const other = await platform.submit(record, '', [[5_000]]);
    await waitUntil(() => platform.container(containerId)?.running === 2);

    cancel(deaf.callId);

    expect((await deaf.output()).outcome.type).toBe('failure');
    expect(await other.value()).toBe(5_000);
    await waitUntil(() => platform.container(containerId)?.exit !== undefined);
    expect(platform.container(containerId)?.exit?.message).toContain('its code went on');
  });
});

describe('the environment of a container', () => {
  it("has the platform's names, which no option of the user replaces", async () => {
    const record = await platform.deploy(
      freeFunction(
        'env',
        `() => Object.fromEntries(Object.entries(process.env).filter(([k]) => /^(GANTRY_|MINE)/.test(k)))`,
      ),
      { env: { MINE: 'kept', GANTRY_CONTAINER_ID: 'forged', GANTRY_IS_REMOTE: '0', GANTRY_REGION: 'moon' } },
    );
    const containerId = await platform.startContainer({ ...record, workspace: 'local' });
    const call = await platform.submit(record, '', [[]]);

    const env = (await call.value()) as Record<string, string>;
    expect(env).not.toHaveProperty('GANTRY_REGION');
    expect(env).toMatchObject({
      MINE: 'kept',
      GANTRY_APP_ID: record.appId,
      GANTRY_CONTAINER_ID: containerId,
      GANTRY_ENVIRONMENT: 'main',
      GANTRY_FUNCTION_ID: record.id,
      GANTRY_FUNCTION_NAME: 'env',
      GANTRY_IS_REMOTE: '1',
      GANTRY_WORKSPACE: 'local',
    });
  });
});

describe('log lines', () => {
  it('tell which of many concurrent inputs wrote them, also after waiting', async () => {
    const record = await platform.deploy(
      freeFunction(
        'chatty',
        `async (n) => {
          console.log('first ' + n);
          await new Promise((done) => setTimeout(done, 50 - n));
          console.log('second ' + n);
        }`,
      ),
      { maxInputs: 20 },
    );
    await platform.startContainer(record);
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const call = await platform.submit(
      record,
      '',
      numbers.map((n) => [n]),
    );
    await Promise.all(numbers.map((n) => call.output(n)));
    const entries = await waitUntil(async () => {
      const found = await platform.logsWith(record, ({ text }) => text.includes('second'));
      const lines = found.filter(({ text }) => /^(first|second) \d+/.test(text));
      return lines.length === 40 ? lines : undefined;
    });

    for (const { text, inputId } of entries) {
      const n = Number(/\d+/.exec(text)?.[0]);
      expect(inputId, text).toBe(call.inputIds[n]);
    }
  });
});
