import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

import { isRunning, temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { Client, RemoteFunction } from 'gantry';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { square } from '../examples/hello-world/src/app.ts';
import { end, runCli, startPlatform } from './platform.ts';

const ENTRY = 'examples/hello-world/src/app.ts';

let directory: TemporaryDirectory;

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-up-');
});

afterEach(() => directory.remove());

async function callSquare(): Promise<number> {
  process.env['GANTRY_DATA_DIR'] = directory.path;
  await using client = Client.default();
  return await RemoteFunction.fromName<typeof square>('hello-world', 'square', { client }).remote(7);
}

describe('gantry up', () => {
  test('keeps its state to its owner', async () => {
    await using platform = await startPlatform({ dataDir: directory.path });

    expect(platform.ready.serverUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const mode = async (file: string) => ((await stat(join(directory.path, file))).mode & 0o777).toString(8);
    expect(await mode('.')).toBe('700');
    for (const file of ['token', 'connection.json', 'nats.conf']) expect(await mode(file)).toBe('600');
  });

  test('runs functions whatever the umask of who starts it', async () => {
    const before = process.umask(0o077);
    try {
      await using platform = await startPlatform({ dataDir: directory.path });
      expect((await runCli(['deploy', ENTRY], platform.env)).code).toBe(0);
      expect(await callSquare()).toBe(49);
    } finally {
      process.umask(before);
    }
  });

  test('stops everything at SIGTERM', async () => {
    const platform = await startPlatform({ dataDir: directory.path });

    expect(await end(platform.child, 'SIGTERM')).toBe(0);

    expect(isRunning(platform.ready.nats.pid)).toBe(false);
  });

  test('refuses a data directory that is in use', async () => {
    await using platform = await startPlatform({ dataDir: directory.path });

    const second = await runCli(['up', '--port', '0', '--https-port', '0', '--data-dir', directory.path], {});

    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`in use by process ${platform.ready.pid}`);
  });

  test('refuses a busy port and names its flag', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };

    const args = ['up', '--port', String(port), '--https-port', '0', '--data-dir', directory.path];
    const result = await runCli(args, {});
    other.close();

    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`port ${port} is in use`);
    expect(result.stderr).toContain('--port');
  });

  test('says what to do when there is no nats-server', async () => {
    const result = await runCli(['up', '--port', '0', '--https-port', '0', '--data-dir', directory.path], {
      GANTRY_NATS_SERVER: '/no/such/program',
    });

    expect(result.code).toBe(1);
    expect(result.stderr).toContain('the program "nats-server" was not found');
    expect(result.stderr).toContain('hint: ');
  });

  test('goes on after kill -9, with what was deployed', async () => {
    const killed = await startPlatform({ dataDir: directory.path });
    const deployed = await runCli(['deploy', ENTRY], killed.env);
    expect(deployed.code, deployed.stderr).toBe(0);
    await end(killed.child, 'SIGKILL');
    expect(isRunning(killed.ready.nats.pid)).toBe(true);

    await using platform = await startPlatform({ dataDir: directory.path });

    expect(isRunning(killed.ready.nats.pid)).toBe(false);
    expect(platform.ready.nats.pid).not.toBe(killed.ready.nats.pid);
    expect(await callSquare()).toBe(49);
  });

  test('starts nats-server again on the same data when it dies', async () => {
    await using platform = await startPlatform({ dataDir: directory.path });
    const deployed = await runCli(['deploy', ENTRY], platform.env);
    expect(deployed.code, deployed.stderr).toBe(0);

    process.kill(platform.ready.nats.pid, 'SIGKILL');
    const works = () =>
      callSquare().then(
        (result) => result === 49,
        () => false,
      );
    await waitUntil(works, { timeoutMs: 30_000 });

    const list = await runCli(['app', 'list', '--json'], platform.env);
    expect(JSON.parse(list.stdout)).toMatchObject([{ name: 'hello-world', state: 'deployed', version: 1 }]);
  });
});
