import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { runProgram } from '../program.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { ALL_COMMANDS, COMMAND_GROUPS } from './all-commands.ts';

let directory: TemporaryDirectory;
let server: Server;
let url: string;
let tokens: { name: string; createdAtMs: number }[];

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
  if (request.url === '/v1/hello') return { workspace: 'acme' };
  if (request.method === 'GET') return { tokens };
  const name = request.method === 'DELETE' ? request.url?.split('/').pop() : undefined;
  if (name !== undefined) return tokens.splice(tokens.findIndex((token) => token.name === name))[0];
  const made = { ...((await json(request)) as { name: string }), createdAtMs: Date.now() };
  tokens.push(made);
  return { ...made, token: `gt-of-${made.name}` };
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

describe('gantry token', () => {
  const there = () => ({ GANTRY_SERVER_URL: url, GANTRY_TOKEN: 'gt-mine' });

  test('new prints the token alone, for files and pipes, and how to use it as a note', async () => {
    const { out, notes } = await gantry('token new ci', there());
    expect(out).toBe('gt-of-ci\n');
    expect(notes).toContain(`gantry token set --server-url ${url} --token -`);
  });

  test('list shows names, and what to do where there are none', async () => {
    expect((await gantry('token list', there())).notes).toContain('gantry token new <name>');
    await gantry('token new ada', there());
    expect((await gantry('token list', there())).out).toContain('ada');
    expect(JSON.parse((await gantry('token list --json', there())).out)).toEqual([
      { name: 'ada', createdAtMs: expect.any(Number) as number },
    ]);
  });

  test('revoke says whose token it was', async () => {
    await gantry('token new ada', there());
    expect((await gantry('token revoke ada', there())).out).toBe('Revoked the token ada.\n');
    expect(tokens).toEqual([]);
  });
});

describe('gantry setup', () => {
  test('finds the platform of this machine, whatever the environment names', async () => {
    const connection = { serverUrl: url, token: 'gt-local', environment: 'main' };
    await writeFile(join(directory.path, 'connection.json'), JSON.stringify(connection));
    const elsewhere = { GANTRY_SERVER_URL: 'http://127.0.0.1:1', GANTRY_TOKEN: 'x' };
    expect((await gantry('setup', elsewhere)).out).toContain(`Your platform runs at ${url}`);
  });

  test('says what to do where none runs, and asks for another one', async () => {
    await expect(gantry('setup')).rejects.toThrow('--server-url is missing');
  });

  test('logs in to the platform that it is given', async () => {
    const { out } = await gantry(`setup --server-url ${url} --token gt-mine`);
    expect(out).toContain('Stored the profile "acme"');
  });
});
