import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { fetchHttps, REPOSITORY, runCli, runNx, startPlatform, type Platform } from './platform.ts';

const EXAMPLE = join(REPOSITORY, 'examples/receipt-ocr');

let platform: Platform;
let url = '';

beforeAll(async () => {
  platform = await startPlatform();
  const deployed = await runNx('receipt-ocr:deploy', platform.env);
  expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
  const list = await runCli(['app', 'list', '--json'], platform.env);
  const apps = JSON.parse(list.stdout) as { name: string; functions: { urls: Record<string, string> }[] }[];
  const app = apps.find((each) => each.name === 'receipt-ocr');
  url = Object.values(app?.functions[0]?.urls ?? {})[0] ?? '';
});

afterAll(() => platform[Symbol.asyncDispose]());

async function post(body: Uint8Array, contentType: string) {
  const headers = { 'content-type': contentType };
  return fetchHttps({ url, caPath: platform.ready.caPath, method: 'POST', headers, body });
}

describe('receipt-ocr, deployed by Nx', () => {
  test('has a generated address below the domain', () => {
    expect(new URL(url).hostname).toBe('local--receipt-ocr-receiptreader-scan.gantry.localhost');
  });

  test('reads an uploaded picture exactly', async () => {
    const expected: unknown = JSON.parse(await readFile(join(EXAMPLE, 'receipt.expected.json'), 'utf8'));
    const form = new FormData();
    form.set(
      'file',
      new File([await readFile(join(EXAMPLE, 'receipt.png'))], 'receipt.png', { type: 'image/png' }),
    );
    const encoded = new Response(form);

    const answer = await post(
      new Uint8Array(await encoded.arrayBuffer()),
      encoded.headers.get('content-type') ?? '',
    );

    expect(answer.status, answer.body).toBe(200);
    expect(JSON.parse(answer.body)).toEqual(expected);
  });

  test('reads a picture that is the body', async () => {
    const answer = await post(await readFile(join(EXAMPLE, 'receipt.png')), 'image/png');

    expect(answer.status, answer.body).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ total: 33.28, currency: 'EUR' });
  });

  test('answers 422 to something that is no picture', async () => {
    const answer = await post(new TextEncoder().encode('hello'), 'image/png');

    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'not a picture' });
  });

  test('answers 405 to the wrong method', async () => {
    const answer = await fetchHttps({ url, caPath: platform.ready.caPath });

    expect(answer.status).toBe(405);
  });

  test('serves its documentation', async () => {
    const answer = await fetchHttps({
      url: `${url.replace(/\/$/, '')}/openapi.json`,
      caPath: platform.ready.caPath,
    });

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toHaveProperty('paths./.post');
  });
});
