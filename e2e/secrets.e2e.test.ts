import { execFileSync } from 'node:child_process';
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { waitUntil } from '@gantry/testing';
import { Client, RemoteFunction, Secret } from 'gantry';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { createProject, type Project } from './lifecycle-project.ts';
import { fetchHttps, runCli, startPlatform, type Platform, type ProgramResult } from './platform.ts';

const SPARSE_BYTES = 1024 ** 3;
const APP = 'app.ts';
const NAMED = 'named-value-8a41';
const DOTENV = 'dotenv-value-77b2';
const LOCAL = 'local-token-value-c3d9';

let platform: Platform;
let project: Project;
/** Everything that commands printed. */
let printed = '';

async function gantry(args: string[], env: Record<string, string> = {}): Promise<ProgramResult> {
  const local = { LOCAL_TOKEN: LOCAL, ...env };
  const result = await runCli(args, { ...platform.env, ...local }, project.folder);
  printed += result.stdout + result.stderr;
  return result;
}

async function succeed(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await gantry(args, env);
  expect(code, stdout + stderr).toBe(0);
  return stdout + stderr;
}

function call(name: string, ...args: string[]): Promise<unknown> {
  return RemoteFunction.fromName<(...args: string[]) => unknown>('vault', name).remote(...args);
}

beforeAll(async () => {
  platform = await startPlatform();
  process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
  project = await createProject('vault');
  await project.write(APP, await readFile(join(import.meta.dirname, 'secrets/app.ts'), 'utf8'));
  await project.write('.env', `FROM_DOTENV=${DOTENV}\n`);
});

afterAll(async () => {
  await Client.default().close();
  await platform[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

describe('a secret', () => {
  test('is made, listed and replaced by the command line, which never shows a value', async () => {
    await project.write('values.env', `SHARED=${NAMED}\nOTHER=other-value-12\n`);
    expect(await succeed(['secret', 'list'])).toContain('No secrets in environment "main"');
    await succeed(['secret', 'create', 'shared', '--from-dotenv', 'values.env', 'OTHER=pair-wins-over']);

    const again = await gantry(['secret', 'create', 'shared', 'SHARED=x']);
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is a secret "shared"') as string,
    });
    const [listed] = JSON.parse(await succeed(['secret', 'list', '--json'])) as Record<string, unknown>[];
    expect(listed).toMatchObject({ name: 'shared', environment: 'main', keys: ['OTHER', 'SHARED'] });
    expect(Object.keys(listed ?? {}).sort()).toEqual([
      'createdAtMs',
      'environment',
      'id',
      'keys',
      'name',
      'updatedAtMs',
    ]);
    expect((await Secret.fromName('shared').hydrate()).objectId).toBe(listed?.['id']);
    await succeed(['environment', 'create', 'other']);
    expect(await succeed(['secret', 'list', '--env', 'other'])).toContain('No secrets');
  });

  test.each([
    [['secret', 'create', 'x', 'oops-no-equals'], 2, 'the pair 1 is not of the form KEY=VALUE'],
    [['secret', 'create', 'x'], 2, 'the secret "x" has no values'],
    [['secret', 'create', 'x', 'A B=1'], 1, '"A B" is no valid name'],
    [['secret', 'create', 'x', '--from-json', 'package-lock.json'], 1, 'cannot be read'],
    [['secret', 'create', 'a/b', 'A=1'], 1, 'the secret name "a/b" is not valid'],
    [['secret', 'delete', 'x'], 2, '--yes is missing'],
    [['secret', 'delete', '-y', 'nothing'], 1, 'there is no secret "nothing"'],
  ])('%j is refused with %i: %s', async (args, code, text) => {
    const result = await gantry(args);
    expect(result).toMatchObject({ code, stderr: expect.stringContaining(text) as string });
    expect(result.stderr).not.toContain('oops-no-equals');
  });
});

describe('an app with secrets', () => {
  test('is not deployed while one is missing, or lacks a key that it must have', async () => {
    const missing = await gantry(['deploy', APP, '--env', 'other']);
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain('there is no secret "shared" in environment "other"');
    await succeed(['secret', 'create', 'shared', '--env', 'other', 'OTHER=1']);
    const lacking = await gantry(['deploy', APP, '--env', 'other']);
    expect(lacking.stderr).toContain('the secret "shared" of environment "other" lacks "SHARED"');
  });

  test('is not deployed from where its variables or files are missing', async () => {
    await rm(join(project.folder, '.env'));
    const { stderr } = await gantry(['deploy', APP]);
    expect(stderr).toContain('a secret of the app takes its values from ".env"');
    await project.write('.env', `FROM_DOTENV=${DOTENV}\n`);
    const result = await runCli(['deploy', APP], platform.env, project.folder);
    expect(result.stderr).toContain('takes "LOCAL_TOKEN" from the environment, where it is not set');
  });

  test('gets them as variables: later ones win, over plain ones, and never over those of the platform', async () => {
    await succeed(['deploy', APP]);

    expect(await call('shared', 'SHARED', 'STAGE', 'FROM_OBJECT')).toEqual([NAMED, 'plain', null]);
    const names = ['SHARED', 'FROM_OBJECT', 'LEFT_OUT', 'FROM_DOTENV', 'LOCAL_TOKEN', 'OTHER'];
    expect(await call('all', ...names)).toEqual([
      'object-wins',
      'object-value',
      null,
      DOTENV,
      LOCAL,
      'pair-wins-over',
    ]);
    expect(await call('all', 'GANTRY_FUNCTION_NAME', 'GANTRY_REGION')).toEqual(['all', null]);
  });

  test('has a token beside them, by which others know its container', async () => {
    const { gatewayUrl, caPath } = platform.ready;
    const json = async (url: string) => JSON.parse((await fetchHttps({ url, caPath })).body) as unknown;
    const discovery = await json(`${gatewayUrl}/.well-known/openid-configuration`);
    expect(discovery).toMatchObject({ issuer: gatewayUrl });
    const { keys } = (await json((discovery as { jwks_uri: string }).jwks_uri)) as { keys: JsonWebKey[] };
    const [token, containerId] = (await call(
      'shared',
      'GANTRY_IDENTITY_TOKEN',
      'GANTRY_CONTAINER_ID',
    )) as string[];
    const [head = '', body = '', signature = ''] = String(token).split('.');
    const key = createPublicKey({ key: keys[0] as JsonWebKey, format: 'jwk' });
    expect(verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({
      iss: gatewayUrl,
      aud: new URL(gatewayUrl).host,
      sub: `gantry:workspace_id:local:environment_name:main:app_name:vault:function_name:shared:container_id:${containerId}`,
      container_id: containerId,
    });
  });

  test('takes values where it is deployed, not where it was built', async () => {
    await succeed(['build', APP, '--out', 'built'], { LOCAL_TOKEN: 'token-of-the-build' });
    await succeed(['deploy', '--manifest', 'built'], { LOCAL_TOKEN: 'token-of-the-deploy' });

    await eventually(async () => expect(await call('all', 'LOCAL_TOKEN')).toEqual(['token-of-the-deploy']));
    for (const file of await readdir(join(project.folder, 'built'))) {
      expect(await readFile(join(project.folder, 'built', file), 'utf8')).not.toMatch(
        /token-of-|dotenv-value/,
      );
    }
  });

  test('has its old values back after a rollback', async () => {
    await succeed(['app', 'rollback', 'vault']);
    await eventually(async () =>
      expect(await call('all', 'LOCAL_TOKEN', 'FROM_DOTENV')).toEqual([LOCAL, DOTENV]),
    );
  });

  test('gets new values in new containers alone', async () => {
    expect(await call('shared', 'SHARED')).toEqual([NAMED]);
    await succeed(['secret', 'create', 'shared', '--force', `SHARED=${NAMED}-2`]);
    expect(await call('shared', 'SHARED')).toEqual([NAMED]);
    await endContainers();
    expect(await call('shared', 'SHARED', 'OTHER')).toEqual([`${NAMED}-2`, null]);
  });

  test('shows no value in its log, also not in two pieces', async () => {
    expect(await call('leak')).toBe(LOCAL.length);
    const log = await waitUntil(async () => {
      const text = await succeed(['app', 'logs', 'vault']);
      return text.includes('"token"') ? text : undefined;
    });
    expect(log).toContain('token=*** shared=***');
    expect(log).toContain('{"token":"***"} ***');
    expect(log).not.toContain(LOCAL.slice(0, 7));
  });

  test('starts no container once one is deleted, and says why', async () => {
    await succeed(['secret', 'delete', '-y', 'shared']);
    await endContainers();
    const waiting = await RemoteFunction.fromName<(name: string) => unknown>('vault', 'shared').spawn(
      'SHARED',
    );
    const shown = await waitUntil(async () => {
      const text = await succeed(['app', 'logs', 'vault']);
      return text.includes('there is no secret "shared"') ? text : undefined;
    });
    expect(shown).toContain('there is no secret "shared" in environment "main"');
    await succeed(['secret', 'create', 'shared', `SHARED=${NAMED}-3`]);
    expect(await waiting.get()).toEqual([`${NAMED}-3`]);
  });

  test('runs for as long as its command, and takes its values along', async () => {
    const { stdout } = await gantry(['run', '-q', `${APP}::all`, 'LOCAL_TOKEN', 'SHARED']);
    expect(stdout).toContain(LOCAL);
    printed = printed.replaceAll(stdout, '');
  });
});

describe('the value of a secret', () => {
  test('is nowhere in what the platform keeps, answers and prints', async () => {
    const secretValues = [NAMED, DOTENV, LOCAL, 'object-value', 'token-of-the-deploy', 'pair-wins-over'];
    const found: string[] = [];
    const look = (where: string, bytes: Buffer) => {
      for (const value of secretValues) if (bytes.includes(value)) found.push(`${value} in ${where}`);
    };
    for (const file of await filesIn(platform.ready.dataDir)) look(file, await contentOf(file));
    look('what was printed', Buffer.from(printed));
    for (const path of [
      'apps',
      'secrets',
      'secrets/shared',
      'containers',
      'apps/vault',
      'apps/vault/deployments',
    ]) {
      look(path, Buffer.from(await (await api(path)).arrayBuffer()));
    }
    // The bundle holds what the code says in so many words, results what functions return, disks what code writes.
    const allowed =
      /object-value in .*(blobs|bundles)|in .*(GANTRY_OUTPUTS|compile-cache|containers|runc\/[\w-]+\/disk)/;
    // What functions returned is found, so the search is able to find.
    expect(found.some((line) => line.includes('GANTRY_OUTPUTS'))).toBe(true);
    expect(found.filter((line) => !allowed.test(line))).toEqual([]);
  });

  test('is sealed with a key that only its owner can read', async () => {
    const { mode } = await stat(join(platform.ready.dataDir, 'secrets.key'));
    expect(mode & 0o777).toBe(0o600);
  });
});

/** Old containers serve until new ones are ready. */
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 100 });

async function endContainers(): Promise<void> {
  const list = async () =>
    JSON.parse((await runCli(['container', 'list', '--json'], platform.env)).stdout) as {
      containerId: string;
    }[];
  for (const { containerId } of await list()) await succeed(['container', 'stop', '--kill', containerId]);
  await waitUntil(async () => (await list()).length === 0);
}

async function api(path: string): Promise<Response> {
  const token = (await readFile(join(platform.ready.dataDir, 'token'), 'utf8')).trim();
  return await fetch(`${platform.ready.serverUrl}/v1/${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
}

/** Disks of containers are of 32 GiB, almost all of which was never written: an archive holds what was. */
async function contentOf(file: string): Promise<Buffer> {
  const { size } = await stat(file);
  if (size < SPARSE_BYTES) return await readFile(file);
  return execFileSync('tar', ['--sparse', '-cPf', '-', file], { maxBuffer: SPARSE_BYTES });
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
