import { readFile } from 'node:fs/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ReceiptReader } from './app.ts';
import type { Receipt } from './receipt.ts';

const folder = new URL('../', import.meta.url);
const reader = new ReceiptReader();

beforeAll(() => reader.load(), 30_000);
afterAll(() => reader.close());

function post(body: string | Buffer, headers: Record<string, string> = {}): Promise<Receipt | Response> {
  return reader.scan(new Request('http://local/', { method: 'POST', body, headers }));
}

describe('ReceiptReader in this process', () => {
  test('reads every line of the printed receipt exactly', { timeout: 30_000 }, async () => {
    const expected: unknown = JSON.parse(await readFile(new URL('receipt.expected.json', folder), 'utf8'));

    const receipt = await reader.read(await readFile(new URL('receipt.png', folder)));

    expect(receipt).toEqual(expected);
  });

  test('answers 422 to something that is no picture', async () => {
    const answer = await post('hello', { 'content-type': 'text/plain' });

    expect(answer).toBeInstanceOf(Response);
    expect((answer as Response).status).toBe(422);
    expect(await (answer as Response).json()).toMatchObject({ error: 'not a picture' });
  });

  test('answers 422 to a damaged picture and reads the next one', { timeout: 30_000 }, async () => {
    const picture = await readFile(new URL('receipt.png', folder));

    const damaged = await post(picture.subarray(0, 60), { 'content-type': 'image/png' });
    const whole = await post(picture, { 'content-type': 'image/png' });

    expect((damaged as Response).status).toBe(422);
    expect((whole as Receipt).total).toBe(33.28);
  });
});
