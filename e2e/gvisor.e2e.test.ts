import { findRuncProblem } from '@gantry/containers';
import { RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { look, read, write } from './gvisor-app.ts';
import { fetchHttps, runCli, type Platform } from './platform.ts';

const reason = findRuncProblem('runsc')?.message;
if (reason) console.warn(`SKIPPED: a platform on gVisor, ${reason}`);

let platform: Platform;

describe.skipIf(reason)('a platform whose containers are of gVisor', () => {
  beforeAll(async () => {
    platform = await startPlatformWith('e2e/gvisor-app.ts', ['--oci-runtime', 'runsc']);
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  test('runs functions on a kernel of their own, with their secrets, and keeps what they print', async () => {
    expect(await RemoteFunction.fromName<typeof look>('gvisor', 'look').remote('tea')).toEqual({
      kernel: expect.stringContaining('gvisor') as string,
      taste: 'mint',
      words: 'tea',
    });
    await expect
      .poll(async () => (await runCli(['app', 'logs', 'gvisor'], platform.env)).stdout, { timeout: 30_000 })
      .toContain('looked for tea');
  });

  test('keeps what they write in volumes, which others see when they reload them', async () => {
    const write_ = RemoteFunction.fromName<typeof write>('gvisor', 'write');
    const read_ = RemoteFunction.fromName<typeof read>('gvisor', 'read');
    await write_.remote('scones');
    const first = await read_.remote();
    await write_.remote('crumpets');
    const second = await read_.remote();
    expect([first.text, second.text]).toEqual(['scones', 'crumpets']);
    expect(second.on).toBe(first.on);
  });

  test('answers web requests in them', async () => {
    const url = await RemoteFunction.fromName('gvisor', 'site').getWebUrl();
    const { status, body } = await fetchHttps({ url: url as string, caPath: platform.ready.caPath });
    expect({ status, body }).toEqual({ status: 200, body: expect.stringContaining('gvisor') as string });
  });
});
