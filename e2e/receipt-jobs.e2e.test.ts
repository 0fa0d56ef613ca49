import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { findRuncProblem } from '@gantry/containers';
import { noBuildsReason } from '@gantry/containers/testing';
import { temporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { fetchHttps, REPOSITORY, runCli, startPlatform, type Platform } from './platform.ts';

const EXAMPLE = join(REPOSITORY, 'examples/receipt-ocr');
const BUILD_LIMIT_MS = 900_000;
const UNKNOWN_CALL = 'fc-0000000000000000000000';
const reason = noBuildsReason ?? findRuncProblem()?.message;

describe.skipIf(reason)(`receipts as jobs${reason ? ` (${reason})` : ''}`, () => {
  let platform: Platform;
  let site = '';

  beforeAll(async () => {
    platform = await startPlatform({ flags: ['--driver', 'runc'] });
    for (const entry of ['src/jobs.ts', 'src/site.ts']) {
      const deployed = await runCli(['deploy', join(EXAMPLE, entry), '--json'], platform.env);
      expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
    }
    const list = await runCli(['app', 'list', '--json'], platform.env);
    const apps = JSON.parse(list.stdout) as { name: string; functions: { urls: Record<string, string> }[] }[];
    const urls = apps.find(({ name }) => name === 'ocr-web')?.functions[0]?.urls ?? {};
    site = Object.values(urls)[0]?.replace(/\/$/, '') ?? '';
  }, BUILD_LIMIT_MS);

  afterAll(() => platform?.[Symbol.asyncDispose]());

  async function ask(path: string, options: { method?: string; body?: Uint8Array } = {}) {
    const answer = await fetchHttps({ url: site + path, caPath: platform.ready.caPath, ...options });
    return { status: answer.status, json: JSON.parse(answer.body || 'null') as Record<string, unknown> };
  }

  async function upload(): Promise<string> {
    const body = new Uint8Array(await readFile(join(EXAMPLE, 'receipt.png')));
    const { status, json } = await ask('/receipts', { method: 'POST', body });
    expect(status).toBe(202);
    return json['id'] as string;
  }

  test('a step of the image has put the model into a volume', async () => {
    const { stdout } = await runCli(['volume', 'ls', 'ocr-models', '--json'], platform.env);

    expect(JSON.parse(stdout)).toMatchObject([{ path: 'eng.traineddata', type: 'file' }]);
  });

  test('a program submits receipts, ends, and finds their results when it is started again', async () => {
    await using folder = await temporaryDirectory('gantry-receipts-');
    const batch = async (...flags: string[]) => {
      const args = [join(EXAMPLE, 'src/batch.ts'), '--receipts', '4', ...flags];
      const env = { ...process.env, ...platform.env };
      return (await promisify(execFile)(process.execPath, args, { cwd: folder.path, env })).stdout;
    };

    expect(await batch('--only-submit')).toContain('4 receipts sent');
    const printed = await batch();

    expect(printed).toContain('right: GARDEN MARKET, total 56.47');
    expect(printed).toContain('4 of 4 receipts read right');
  });

  test('the page takes a picture, says that it is being read, and then what it says', async () => {
    const id = await upload();

    await expect.poll(async () => (await ask(`/receipts/${id}`)).status, { timeout: 60_000 }).toBe(200);

    expect((await ask(`/receipts/${id}`)).json).toMatchObject({ shop: 'HARBOUR BAKERY', total: 33.28 });
    expect((await ask(`/receipts/${id}/graph`)).json).toMatchObject([
      { functionName: 'parse', status: 'SUCCESS' },
    ]);
  });

  test('a receipt that is cancelled is not read', async () => {
    const ids = await Promise.all(Array.from({ length: 24 }, upload));
    const last = ids.at(-1) ?? '';

    expect((await ask(`/receipts/${last}`, { method: 'DELETE' })).status).toBe(204);

    await expect.poll(async () => (await ask(`/receipts/${last}`)).status, { timeout: 60_000 }).toBe(410);
  });

  test('what is no picture is refused, and calls that never were are not found', async () => {
    const text = { method: 'POST', body: new TextEncoder().encode('hello') };

    expect((await ask('/receipts', text)).status).toBe(422);
    expect((await ask(`/receipts/${UNKNOWN_CALL}`)).status).toBe(404);
    expect((await ask('/receipts/nonsense')).status).toBe(404);
  });

  test('the page itself comes from the image', async () => {
    const page = await fetchHttps({ url: site, caPath: platform.ready.caPath });

    expect(page.status).toBe(200);
    expect(page.body).toContain('<h1>Receipts</h1>');
  });
});
