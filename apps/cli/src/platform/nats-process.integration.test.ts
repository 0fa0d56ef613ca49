import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { createLogger } from '@gantry/telemetry';
import { isRunning, temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { lockDataDir } from './data-dir-lock.ts';
import { natsPidPath } from './nats-config.ts';
import { NatsProcess } from './nats-process.ts';
import { findNatsProgram } from './nats-program.ts';
import { isPortFree } from './ports.ts';
import { endStaleNats } from './stale-nats.ts';

const PROGRAMS = new URL('../../../../dist/', import.meta.url);

let directory: TemporaryDirectory;

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
});

afterEach(() => directory.remove());

async function startNats(port = 0): Promise<NatsProcess> {
  const program = await findNatsProgram(process.env, PROGRAMS);
  const log = createLogger({ name: 'test', level: 'silent' });
  return NatsProcess.start({
    program,
    dataDir: directory.path,
    port,
    syncAlways: program.canSyncAlways,
    log,
  });
}

describe('NatsProcess', () => {
  test('runs with credentials on loopback and ends on stop', async () => {
    const nats = await startNats();
    const { pid } = nats;

    expect(nats.url).toMatch(/^nats:\/\/gantry:[\w-]{32}@127\.0\.0\.1:\d+$/);
    expect(isRunning(pid)).toBe(true);
    await nats.stop();

    expect(isRunning(pid)).toBe(false);
  });

  test('says why it does not start', async () => {
    const program = path.join(directory.path, 'broken-nats-server');
    await writeFile(program, '#!/bin/sh\necho "unknown field: novelty" >&2\nexit 1\n', { mode: 0o755 });

    const starts = NatsProcess.start({
      program: { path: program, version: '2.15.2', canSyncAlways: true },
      dataDir: directory.path,
      port: 0,
      syncAlways: true,
      log: createLogger({ name: 'test', level: 'silent' }),
    });

    await expect(starts).rejects.toThrow('nats-server ended with 1\nunknown field: novelty');
  });

  test('starts again on the same port when it is killed', async () => {
    const nats = await startNats();
    const first = nats.pid ?? 0;
    const port = Number(new URL(nats.url).port);

    process.kill(first, 'SIGKILL');
    await waitUntil(async () => nats.pid !== first && !(await isPortFree('127.0.0.1', port)), {
      timeoutMs: 10_000,
    });

    expect(isRunning(nats.pid)).toBe(true);
    await nats.stop();
    expect(isRunning(nats.pid)).toBe(false);
  });

  test('says why it does not start', async () => {
    const program = await findNatsProgram(process.env, PROGRAMS);
    await writeFile(path.join(directory.path, 'nats'), 'a file where a folder must be');
    const log = createLogger({ name: 'test', level: 'silent' });
    const options = { program, dataDir: directory.path, port: 0, syncAlways: false, log };

    await expect(NatsProcess.start(options)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('nats-server ended with') as string,
    });
  });
});

describe('endStaleNats', () => {
  test('ends a server that a killed start left behind', async () => {
    const left = await startNats();
    const { pid } = left;
    // What follows must look like the death of the process that owned it.
    const ended = await endStaleNats(directory.path);

    expect(ended).toBe(pid);
    await left.stop();
  });

  test('spares a process that only has the same id', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(other, 'spawn');
    await writeFile(natsPidPath(directory.path), String(other.pid));

    expect(await endStaleNats(directory.path)).toBeUndefined();

    expect(isRunning(other.pid)).toBe(true);
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  test('does nothing where nothing was left', async () => {
    expect(await endStaleNats(directory.path)).toBeUndefined();
  });
});

describe('lockDataDir', () => {
  test('names the process that holds the directory', async () => {
    const lock = await lockDataDir(directory.path);

    await expect(lockDataDir(directory.path)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`in use by process ${process.pid}`) as string,
    });
    await lock.release();
  });

  test('can be taken again after its release', async () => {
    await (await lockDataDir(directory.path)).release();

    const again = lockDataDir(directory.path);

    await expect(again).resolves.toBeDefined();
    await (await again).release();
  });
});
