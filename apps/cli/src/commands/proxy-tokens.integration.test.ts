import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { runProgram } from '../program.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { ALL_COMMANDS, COMMAND_GROUPS } from './all-commands.ts';

let directory: TemporaryDirectory;
let server: Server;
let url: string;
let tokens: { id: string; name: string; createdAtMs: number }[];

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
  tokens = [];
  server = createServer((request, response) => {
    void answer(request).then((body) => response.writeHead(200).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await directory.remove();
});

async function answer(request: IncomingMessage): Promise<unknown> {
  if (request.method === 'GET') return { tokens };
  const id = request.method === 'DELETE' ? request.url?.split('/').pop() : undefined;
  if (id !== undefined) return tokens.splice(tokens.findIndex((token) => token.id === id))[0];
  const made = { id: 'wk-1', ...((await json(request)) as { name: string }), createdAtMs: Date.now() };
  tokens.push(made);
  return { ...made, secret: 'ws-secret' };
}

/** What a command line prints on standard output, and as notes. */
async function gantry(line: string, more: Record<string, string> = {}) {
  const said = { out: '', notes: '' };
  const env = { GANTRY_DATA_DIR: directory.path, ...more };
  const terminal = createTerminal({
    stdout: { write: (part: string) => (said.out += part) },
    stderr: { write: (part: string) => (said.notes += part) },
    env: {},
  });
  const context = { terminal, env, cwd: directory.path, programs: new URL('file:///dist/'), version: '1' };
  await runProgram({ commands: ALL_COMMANDS, groups: COMMAND_GROUPS, context }, line.split(' '));
  return said;
}

describe('gantry proxy-token', () => {
  const there = () => ({ GANTRY_SERVER_URL: url, GANTRY_TOKEN: 'gt-mine' });

  test('prints the headers of a new token alone, lists tokens without secrets, and revokes one', async () => {
    const none = await gantry('proxy-token list', there());
    expect(none.notes).toContain('protected functions let nobody in');

    const made = await gantry('proxy-token new webshop', there());
    expect(made.out).toBe('Gantry-Key: wk-1\nGantry-Secret: ws-secret\n');
    expect(made.notes).toContain('not shown again');

    const listed = await gantry('proxy-token list', there());
    expect(listed.out).toMatch(/wk-1 +webshop/);
    expect(listed.out).not.toContain('ws-secret');

    const revoked = await gantry('proxy-token revoke wk-1', there());
    expect(revoked.out).toBe('Revoked the proxy token webshop (wk-1).\n');
    expect(tokens).toEqual([]);
  });

  test('speaks JSON to programs', async () => {
    const made = JSON.parse((await gantry('proxy-token new webshop --json', there())).out) as object;
    expect(made).toMatchObject({ id: 'wk-1', secret: 'ws-secret', name: 'webshop' });
    const listed = JSON.parse((await gantry('proxy-token list --json', there())).out) as object[];
    expect(listed).toMatchObject([{ id: 'wk-1', name: 'webshop' }]);
  });
});
