import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { otherProfileLines } from '../platform/other-profile.ts';
import { runProgram } from '../program.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { ALL_COMMANDS, COMMAND_GROUPS } from './all-commands.ts';

let directory: TemporaryDirectory;
let server: Server;
let url: string;

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
  server = createServer(({ headers, url: path }, response) => {
    const isKnown = headers.authorization === 'Bearer gt-right';
    if (path === '/v1/environments/nowhere') {
      const problem = { name: 'NotFoundError', code: 'NOT_FOUND', message: 'there is no such environment' };
      return response.writeHead(404).end(JSON.stringify(problem));
    }
    const body = isKnown
      ? { workspace: 'acme' }
      : { name: 'AuthError', code: 'UNAUTHENTICATED', message: 'the token is not valid' };
    return response.writeHead(isKnown ? 200 : 401).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await directory.remove();
});

/** What a command line prints, notes and all. */
async function gantry(line: string, more: Record<string, string> = {}): Promise<string> {
  let text = '';
  const stream = { write: (part: string) => (text += part) };
  const env = { GANTRY_DATA_DIR: directory.path, ...more };
  await runProgram(
    {
      commands: ALL_COMMANDS,
      groups: COMMAND_GROUPS,
      context: {
        terminal: createTerminal({ stdout: stream, stderr: stream, env: {} }),
        env,
        cwd: directory.path,
        programs: new URL('file:///dist/'),
        version: '1.2.3',
      },
    },
    line.split(' '),
  );
  return text;
}

describe('gantry token set', () => {
  test('asks the platform, and stores a profile called after its workspace, which is active then', async () => {
    const text = await gantry(`token set --server-url ${url} --token gt-right`);

    expect(text).toContain('Stored the profile "acme"');
    expect(await gantry('profile current')).toBe('acme\n');
    expect(JSON.parse(await gantry('config show --json --no-redact'))).toMatchObject({
      serverUrl: url,
      token: 'gt-right',
      environment: 'main',
    });
  });

  test('stores nothing that the platform refuses, unless told not to ask', async () => {
    await expect(gantry(`token set --server-url ${url} --token gt-wrong`)).rejects.toThrow('not valid');
    expect(await gantry('profile current')).toBe('local\n');

    await gantry(`token set --server-url ${url} --token gt-wrong --no-verify --profile later --no-activate`);
    expect(await gantry('profile current')).toBe('local\n');
    expect(await gantry('profile list')).toContain('later');
  });

  test.each([
    ['token set --token x', '--server-url is missing'],
    ['token set --server-url http://127.0.0.1:1', '--token is missing'],
    ['token set --server-url nonsense --token x', 'the server URL "nonsense" is not valid'],
    [
      'token set --no-verify --server-url http://127.0.0.1:1 --token x --profile local',
      'is the platform that',
    ],
    [
      'token set --no-verify --server-url http://127.0.0.1:1 --token x --profile a/b',
      'cannot be called "a/b"',
    ],
  ])('refuses "%s"', async (line, message) => {
    await expect(gantry(line)).rejects.toThrow(message);
  });
});

describe('gantry profile', () => {
  beforeEach(() => gantry(`token set --server-url ${url} --token gt-right`));

  test('list marks the one that counts, and says what environment variables do', async () => {
    expect(JSON.parse(await gantry('profile list --json'))).toEqual([
      { name: 'local', active: false, serverUrl: null, workspace: null, environment: 'main' },
      { name: 'acme', active: true, serverUrl: url, workspace: 'acme', environment: 'main' },
    ]);
    expect(await gantry('profile list', { GANTRY_TOKEN: 'x' })).toContain(
      'GANTRY_TOKEN is set here, and wins',
    );
  });

  test('activate chooses another one, and knows those that there are', async () => {
    expect(await gantry('profile activate local')).toBe('The profile "local" is now active.\n');
    expect(await gantry('profile current')).toBe('local\n');
    await expect(gantry('profile activate acm')).rejects.toMatchObject({
      hint: expect.stringContaining('local, acme') as string,
    });
    expect(await gantry('profile activate local', { GANTRY_PROFILE: 'acme' })).toContain('and wins');
  });
});

describe('gantry up', () => {
  test('says so when commands lead to another platform than the one it starts', async () => {
    const lines = (env: Record<string, string> = {}) => otherProfileLines(env, directory.path);
    expect(lines()).toEqual([]);

    await gantry(`token set --server-url ${url} --token gt-right`);
    expect(lines()[0]).toBe('The profile "acme" is active: commands go to another platform.');
    expect(lines({ GANTRY_PROFILE: 'local' })).toEqual([]);
    expect(lines({ GANTRY_PROFILE: 'gone' })[0]).toContain('"gone" of GANTRY_PROFILE does not exist');
  });
});

describe('gantry config', () => {
  beforeEach(() => gantry(`token set --server-url ${url} --token gt-right`));

  test('show hides the token, and says where settings come from', async () => {
    const text = await gantry('config show');

    expect(text).toMatch(/serverUrl +http:\S+ +profile "acme"/);
    expect(text).toMatch(/token +\*\*\* +profile "acme"/);
    expect(text).not.toContain('gt-right');
    expect(JSON.parse(await gantry('config show --json'))).toMatchObject({ token: '***' });
  });

  test('set-environment chooses the environment of the profile that counts', async () => {
    await gantry('config set-environment staging');
    expect(JSON.parse(await gantry('config show --json'))).toMatchObject({ environment: 'staging' });
    expect(await gantry('config set-environment dev', { GANTRY_ENVIRONMENT: 'x' })).toContain('and wins');
    await expect(gantry('config set-environment a/b')).rejects.toThrow('"a/b" is not valid');
  });

  test('set-environment asks the platform whether there is one, unless it is told not to', async () => {
    await expect(gantry('config set-environment nowhere')).rejects.toThrow('there is no such environment');
    expect(JSON.parse(await gantry('config show --json'))).toMatchObject({ environment: 'main' });
    await gantry('config set-environment nowhere --no-verify');
    expect(JSON.parse(await gantry('config show --json'))).toMatchObject({ environment: 'nowhere' });
  });
});
