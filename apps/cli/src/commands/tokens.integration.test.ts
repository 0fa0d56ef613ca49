import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startFakeServer, type FakeServer } from './fake-server.fixture.ts';

let server: FakeServer;
let tokens: { name: string; createdAtMs: number }[];

beforeEach(async () => {
  tokens = [];
  server = await startFakeServer(answer);
});
afterEach(() => server[Symbol.asyncDispose]());

async function answer(request: IncomingMessage): Promise<unknown> {
  if (request.url === '/v1/hello') return { workspace: 'acme' };
  if (request.method === 'GET') return { tokens };
  const name = request.method === 'DELETE' ? request.url?.split('/').pop() : undefined;
  if (name !== undefined) return tokens.splice(tokens.findIndex((token) => token.name === name))[0];
  const made = { ...((await json(request)) as { name: string }), createdAtMs: Date.now() };
  tokens.push(made);
  return { ...made, token: `gt-of-${made.name}` };
}

describe('gantry token', () => {
  test('new prints the token alone, for files and pipes, and how to use it as a note', async () => {
    const { out, notes } = await server.gantry('token new ci');
    expect(out).toBe('gt-of-ci\n');
    expect(notes).toContain(`gantry token set --server-url ${server.url} --token -`);
  });

  test('list shows names, and what to do where there are none', async () => {
    expect((await server.gantry('token list')).notes).toContain('gantry token new <name>');
    await server.gantry('token new ada');
    expect((await server.gantry('token list')).out).toContain('ada');
    expect(JSON.parse((await server.gantry('token list --json')).out)).toEqual([
      { name: 'ada', createdAtMs: expect.any(Number) as number },
    ]);
  });

  test('revoke says whose token it was', async () => {
    await server.gantry('token new ada');
    expect((await server.gantry('token revoke ada')).out).toBe('Revoked the token ada.\n');
    expect(tokens).toEqual([]);
  });
});

describe('gantry setup', () => {
  test('finds the platform of this machine, whatever the environment names', async () => {
    const connection = { serverUrl: server.url, token: 'gt-local', environment: 'main' };
    await writeFile(join(server.dataDir, 'connection.json'), JSON.stringify(connection));
    const elsewhere = { GANTRY_SERVER_URL: 'http://127.0.0.1:1', GANTRY_TOKEN: 'x' };
    expect((await server.gantry('setup', elsewhere)).out).toContain(`Your platform runs at ${server.url}`);
  });

  test('says what to do where none runs, and asks for another one', async () => {
    await expect(server.gantry('setup', {})).rejects.toThrow('--server-url is missing');
  });

  test('logs in to the platform that it is given', async () => {
    const { out } = await server.gantry(`setup --server-url ${server.url} --token gt-mine`, {});
    expect(out).toContain('Stored the profile "acme"');
  });
});
