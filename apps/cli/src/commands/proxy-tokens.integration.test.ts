import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startFakeServer, type FakeServer } from './fake-server.fixture.ts';

let server: FakeServer;
let tokens: { id: string; name: string; createdAtMs: number }[];

beforeEach(async () => {
  tokens = [];
  server = await startFakeServer(answer);
});
afterEach(() => server[Symbol.asyncDispose]());

async function answer(request: IncomingMessage): Promise<unknown> {
  if (request.method === 'GET') return { tokens };
  const id = request.method === 'DELETE' ? request.url?.split('/').pop() : undefined;
  if (id !== undefined) return tokens.splice(tokens.findIndex((token) => token.id === id))[0];
  const made = { id: 'wk-1', ...((await json(request)) as { name: string }), createdAtMs: Date.now() };
  tokens.push(made);
  return { ...made, secret: 'ws-secret' };
}

describe('gantry proxy-token', () => {
  test('prints the headers of a new token alone, lists tokens without secrets, and revokes one', async () => {
    const none = await server.gantry('proxy-token list');
    expect(none.notes).toContain('protected functions let nobody in');

    const made = await server.gantry('proxy-token new webshop');
    expect(made.out).toBe('Gantry-Key: wk-1\nGantry-Secret: ws-secret\n');
    expect(made.notes).toContain('not shown again');

    const listed = await server.gantry('proxy-token list');
    expect(listed.out).toMatch(/wk-1 +webshop/);
    expect(listed.out).not.toContain('ws-secret');

    const revoked = await server.gantry('proxy-token revoke wk-1');
    expect(revoked.out).toBe('Revoked the proxy token webshop (wk-1).\n');
    expect(tokens).toEqual([]);
  });

  test('speaks JSON to programs', async () => {
    const made = JSON.parse((await server.gantry('proxy-token new webshop --json')).out) as object;
    expect(made).toMatchObject({ id: 'wk-1', secret: 'ws-secret', name: 'webshop' });
    const listed = JSON.parse((await server.gantry('proxy-token list --json')).out) as object[];
    expect(listed).toMatchObject([{ id: 'wk-1', name: 'webshop' }]);
  });
});
