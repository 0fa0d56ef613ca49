import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { type FakeServer, startFakeServer } from './fake-server.fixture.ts';

const MAIN = { id: 'main', name: 'main', webSuffix: '', createdAtMs: Date.now() };
const NOTHING = { apps: 0, volumes: 0, secrets: 0, dicts: 0, queues: 0 };

let server: FakeServer;
let asked: unknown[];
let contents: Record<string, number>;

async function answer(request: IncomingMessage): Promise<unknown> {
  const { method = '', url = '' } = request;
  const body = method === 'POST' || method === 'PATCH' ? await json(request) : undefined;
  asked.push(body === undefined ? [method, url] : [method, url, body]);
  if (url === '/v1/environments' && method === 'GET')
    return { environments: [MAIN, { ...MAIN, name: 'dev', webSuffix: 'd' }] };
  const [, , , name = '', of] = url.split('/');
  if (of === 'contents') return contents;
  return { ...MAIN, name, webSuffix: name, contents, ...(body as object) };
}

beforeEach(async () => {
  asked = [];
  contents = NOTHING;
  server = await startFakeServer(answer);
});

afterEach(() => server[Symbol.asyncDispose]());

/** For commands in another environment. */
const inEnvironment = (name: string) => ({
  ...{ GANTRY_SERVER_URL: server.url, GANTRY_TOKEN: 'gt-mine' },
  GANTRY_ENVIRONMENT: name,
});

test('list marks the environment that is in use here, and says so if there is none of its name', async () => {
  const { out } = await server.gantry('environment list', inEnvironment('dev'));
  expect(out).toMatch(/^ +ENVIRONMENT +WEB SUFFIX +CREATED\n +main +- +just now\n\* +dev +d +just now\n$/);
  const lost = await server.gantry('environment list', inEnvironment('gone'));
  expect(lost.notes).toBe(
    'The one in use here, "gone", is not among them. Make it: gantry environment create gone\n',
  );
  expect(JSON.parse((await server.gantry('environment list --json')).out)).toMatchObject([
    { name: 'main' },
    { name: 'dev' },
  ]);
});

test('create says what host names have, and how to use it', async () => {
  const made = await server.gantry('environment create staging --web-suffix st');
  expect(asked).toEqual([['POST', '/v1/environments', { name: 'staging', webSuffix: 'st' }]]);
  expect(made.out).toBe('Created the environment staging. Its host names have the web suffix "st".\n');
  expect(made.notes).toBe('Use it: gantry deploy --env staging, or gantry config set-environment staging\n');
});

test('update changes what is given, even to no suffix, and asks for something to change', async () => {
  const renamed = await server.gantry('environment update dev --set-name live', inEnvironment('dev'));
  expect(renamed.out).toBe('The environment dev is now called live.\n');
  expect(renamed.notes).toBe('Here "dev" is still in use. Change that: gantry config set-environment live\n');
  const bare = await server.gantry('environment update dev --set-web-suffix=');
  expect(bare.out).toBe('Host names of dev have no web suffix, for apps that are deployed from now on.\n');
  expect(asked).toEqual([
    ['PATCH', '/v1/environments/dev', { name: 'live' }],
    ['PATCH', '/v1/environments/dev', { webSuffix: '' }],
  ]);
  await expect(server.gantry('environment update dev')).rejects.toMatchObject({
    message: 'it is not said what is to change',
    hint: 'Give --set-name, --set-web-suffix, or both.',
  });
});

test('delete tells what is in it, and where nobody can be asked needs --yes', async () => {
  contents = { ...NOTHING, apps: 2, volumes: 1, secrets: 3 };
  await expect(server.gantry('environment delete dev')).rejects.toThrow('--yes is missing');
  expect(asked).toEqual([['GET', '/v1/environments/dev/contents']]);
  const gone = await server.gantry('environment delete dev --yes', inEnvironment('dev'));
  expect(gone.out).toBe('Deleted the environment dev with 2 apps, 1 volume and 3 secrets.\n');
  expect(gone.notes).toBe('It was the one in use here. Choose another: gantry config set-environment main\n');
  contents = NOTHING;
  const { out } = await server.gantry('environment delete empty -y');
  expect(out).toBe('Deleted the environment empty with nothing in it.\n');
});
