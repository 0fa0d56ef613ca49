import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import type { DomainSummary } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { runProgram } from '../program.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { ALL_COMMANDS, COMMAND_GROUPS } from './all-commands.ts';

let directory: TemporaryDirectory;
let server: Server;
let url: string;
const domains = new Map<string, DomainSummary>();

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
  domains.clear();
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
  if (request.method === 'GET') return { domains: [...domains.values()] };
  const [, , , encoded = '', isVerify] = (request.url ?? '').split('/');
  const given = encoded === '' ? ((await json(request)) as { name: string; trusted: boolean }) : undefined;
  const name = given?.name ?? decodeURIComponent(encoded);
  const domain = domains.get(name) ?? {
    name,
    record: { name: `_gantry.${name}`, text: 'gantry-abc' },
    createdAtMs: Date.now(),
  };
  if (given?.trusted || isVerify) domain.verifiedAtMs = Date.now();
  if (request.method === 'DELETE') domains.delete(name);
  else domains.set(name, domain);
  return domain;
}

/** What a command line prints on standard output. */
async function gantry(line: string): Promise<string> {
  let out = '';
  const env = { GANTRY_DATA_DIR: directory.path, GANTRY_SERVER_URL: url, GANTRY_TOKEN: 'gt-mine' };
  const terminal = createTerminal({
    stdout: { write: (part: string) => (out += part) },
    stderr: { write: () => undefined },
    env: {},
  });
  const context = { terminal, env, cwd: directory.path, programs: new URL('file:///dist/'), version: '1' };
  await runProgram({ commands: ALL_COMMANDS, groups: COMMAND_GROUPS, context }, line.split(' '));
  return out;
}

test('domains are made known, verified, listed and removed', async () => {
  expect(await gantry('domain add api.example.com')).toBe(
    [
      'Make this record in the DNS of the domain:',
      '',
      '  _gantry.api.example.com  TXT  "gantry-abc"',
      '',
      'Then: gantry domain verify api.example.com',
      '',
    ].join('\n'),
  );
  expect(await gantry('domain list')).toMatch(
    /api\.example\.com +not yet .*_gantry\.api\.example\.com +gantry-abc/,
  );
  expect(await gantry('domain verify api.example.com')).toContain('is verified');
  expect(await gantry('domain list')).toMatch(/api\.example\.com +yes/);
  expect(await gantry('domain add *.shop.internal --trusted')).toContain(
    'The domain *.shop.internal is verified',
  );
  const listed = JSON.parse(await gantry('domain list --json')) as DomainSummary[];
  expect(listed.map(({ name }) => name)).toEqual(['api.example.com', '*.shop.internal']);
  expect(await gantry('domain remove api.example.com')).toBe('Removed the domain api.example.com.\n');
  expect(domains.size).toBe(1);
});
