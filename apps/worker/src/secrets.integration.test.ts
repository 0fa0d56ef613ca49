import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { newId, type FunctionRecord } from '@gantry/protocol';
import { InlineSecrets, KeyRing, SealingKeys, SecretStore } from '@gantry/secrets';
import { ANY_ENVIRONMENT, temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const KEY = KeyRing.newKey();
const TOKEN = 'correct-horse-battery';

let folder: TemporaryDirectory;
let platform: WorkerUnderTest;
let keyFile: string;
let keys: SealingKeys;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-runner-');
  platform = await WorkerUnderTest.start(await bundleRunner(folder.path));
  keyFile = join(dirname(platform.blobConfig.type === 'disk' ? platform.blobConfig.path : ''), 'secrets.key');
  keys = new SealingKeys({ dataDir: folder.path, key: KEY });
  const store = new SecretStore({
    registry: platform.messaging.registry,
    keys,
    environments: ANY_ENVIRONMENT,
  });
  await store.save({ environment: 'main', name: 'db', values: { TOKEN } });
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

beforeEach(() => writeFile(keyFile, KEY));

const SECRETS = { secrets: [{ type: 'named' as const, name: 'db' }] };

/** Starts a container that is not to become ready; resolves with why it ended. */
async function endOf(record: FunctionRecord): Promise<string | undefined> {
  const containerId = newId('ta');
  const order = { containerId, pool: record.id, parameters: {}, record };
  await platform.command({ type: 'start', fence: 1, ...order });
  await waitUntil(() => platform.container(containerId)?.state === 'stopped');
  return platform.container(containerId)?.exit?.message;
}

describe('a container with secrets', () => {
  it('does not start where the key is missing, or another one, which is said; and does once it is there', async () => {
    const record = await platform.deploy(
      `{ kind: 'function', name: 'token', fn: async () => process.env.TOKEN }`,
      SECRETS,
    );
    await rm(keyFile);
    expect(await endOf(record)).toContain('this machine has no key for secrets');
    await writeFile(keyFile, KeyRing.newKey());
    expect(await endOf(record)).toContain('that secrets are sealed with');
    await writeFile(keyFile, `${KeyRing.newKey()}\n${KEY}\n`);
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[]]);
    expect(await call.value()).toBe(TOKEN);
  });

  it('has the values of its own version', async () => {
    const inline = new InlineSecrets(platform.messaging.registry, keys);
    const record = await platform.deploy(
      `{ kind: 'function', name: 'inline', fn: async () => process.env.OWN }`,
      { secrets: [{ type: 'inline', index: 3 }] },
    );
    const { appId } = record;
    await inline.save({ appId, version: 1 }, new Map([[3, { OWN: 'of version 1' }]]));
    await inline.save({ appId, version: 2 }, new Map([[3, { OWN: 'of version 2' }]]));
    await platform.startContainer({ ...record, version: 2 });
    const call = await platform.submit(record, '', [[]]);
    expect(await call.value()).toBe('of version 2');
  });

  it('shows no value in why it ended', async () => {
    const record = await platform.deploy(
      `(() => { if (process.env.TOKEN) throw new Error('bad token ' + process.env.TOKEN);
        return { kind: 'function', name: 'broken', fn: async () => 1 }; })()`,
      SECRETS,
    );
    expect(await endOf(record)).toContain('bad token ***');
    const entries = await platform.logsWith(record, ({ text }) => text.includes('bad token'));
    expect(JSON.stringify(entries)).not.toContain(TOKEN);
  });
});
