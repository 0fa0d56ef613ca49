import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';

import type { DomainSummary } from '@gantry/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { startFakeServer, type FakeServer } from './fake-server.fixture.ts';

let server: FakeServer;
const domains = new Map<string, DomainSummary>();

beforeEach(async () => {
  domains.clear();
  server = await startFakeServer(answer);
});
afterEach(() => server[Symbol.asyncDispose]());

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

test('domains are made known, verified, listed and removed', async () => {
  expect((await server.gantry('domain add api.example.com')).out).toBe(
    [
      'Make this record in the DNS of the domain:',
      '',
      '  _gantry.api.example.com  TXT  "gantry-abc"',
      '',
      'Then: gantry domain verify api.example.com',
      '',
    ].join('\n'),
  );
  expect((await server.gantry('domain list')).out).toMatch(
    /api\.example\.com +not yet .*_gantry\.api\.example\.com +gantry-abc/,
  );
  expect((await server.gantry('domain verify api.example.com')).out).toContain('is verified');
  expect((await server.gantry('domain list')).out).toMatch(/api\.example\.com +yes/);
  expect((await server.gantry('domain add *.shop.internal --trusted')).out).toContain(
    'The domain *.shop.internal is verified',
  );
  const listed = JSON.parse((await server.gantry('domain list --json')).out) as DomainSummary[];
  expect(listed.map(({ name }) => name)).toEqual(['api.example.com', '*.shop.internal']);
  expect((await server.gantry('domain remove api.example.com')).out).toBe(
    'Removed the domain api.example.com.\n',
  );
  expect(domains.size).toBe(1);
});

test('the list tells how long certificates of an authority last, and why there is none', async () => {
  const [endsAtMs, retryAtMs] = [Date.UTC(2030, 0, 31), Date.UTC(2029, 11, 1, 12, 30)];
  const record = { name: '_gantry.example.com', text: 'gantry-abc' };
  const failure = { message: 'DNS problem: NXDOMAIN.', retryAtMs };
  const certificates = [
    { host: 'a.example.com', endsAtMs },
    { host: 'b.example.com', failure },
  ];
  domains.set('*.example.com', {
    name: '*.example.com',
    record,
    createdAtMs: 0,
    verifiedAtMs: 1,
    certificates,
  });
  const { out, notes } = await server.gantry('domain list');
  expect(out).toMatch(/\*\.example\.com +yes +failed, until 2030-01-31/);
  expect(`${out}${notes}`).toContain(
    'No certificate for b.example.com: DNS problem: NXDOMAIN. Tried again at 2029-12-01 12:30 UTC.',
  );
});
