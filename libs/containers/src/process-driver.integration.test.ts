import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { isRunning, waitUntil } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { describeContainerDriver } from './container-driver-contract.ts';
import { ProcessDriver } from './process-driver.ts';

describeContainerDriver({ name: 'process', create: (options) => new ProcessDriver(options) });

// Ignores the end of its channel, as a program stuck in a loop would.
const STUBBORN_RUNNER = `
import { spawn } from 'node:child_process';
spawn('sleep', ['600'], { stdio: 'ignore' });
setInterval(() => undefined, 1000);
`;

const DOOMED_WORKER = (driverUrl: string, dataDir: string, runnerPath: string): string => `
import { ProcessDriver } from ${JSON.stringify(driverUrl)};
const driver = new ProcessDriver({ dataDir: ${JSON.stringify(dataDir)}, runnerPath: ${JSON.stringify(runnerPath)} });
const container = await driver.start({ id: 'ta-orphan' });
console.log(container.pid);
setInterval(() => undefined, 1000);
`;

describe('process driver', () => {
  let dataDir: string;
  let runnerPath: string;
  let doomed: ChildProcess | undefined;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'gantry-driver-'));
    runnerPath = join(dataDir, 'runner.mjs');
    writeFileSync(runnerPath, STUBBORN_RUNNER);
  });
  afterEach(() => {
    doomed?.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('ends what programs beside the runner left behind, with the container', async () => {
    const driver = new ProcessDriver({ dataDir, runnerPath });
    const container = await driver.start({ id: 'ta-host' });
    const guest = await container.exec({
      command: ['sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 & echo $!'],
    });
    const pid = Number(await text(guest.stdout));
    expect(isRunning(pid)).toBe(true);
    container.kill();
    await driver.close();
    await waitUntil(() => !isRunning(pid));
  });

  async function orphan(): Promise<number> {
    const script = join(dataDir, 'doomed-worker.mjs');
    writeFileSync(
      script,
      DOOMED_WORKER(new URL('./process-driver.ts', import.meta.url).href, dataDir, runnerPath),
    );
    doomed = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: doomed.stdout as NodeJS.ReadableStream });
    const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(20_000) })) as [string];
    return Number(line);
  }

  it('ends the containers of a killed worker, and what they started', async () => {
    const pid = await orphan();
    doomed?.kill('SIGKILL');
    await once(doomed as ChildProcess, 'exit');
    const driver = new ProcessDriver({ dataDir, runnerPath });
    expect(await driver.reconcile()).toBe(1);
    await vanished(pid);
    expect(existsSync(join(dataDir, 'containers', 'ta-orphan'))).toBe(false);
    expect(await driver.reconcile()).toBe(0);
  });

  it('ends what ran beside the runner of a killed worker', async () => {
    writeFileSync(runnerPath, 'setInterval(() => undefined, 1000);');
    const script = join(dataDir, 'doomed-worker.mjs');
    const driverUrl = new URL('./process-driver.ts', import.meta.url).href;
    writeFileSync(
      script,
      `${DOOMED_WORKER(driverUrl, dataDir, runnerPath)}
      const guest = await container.exec({ command: ['sh', '-c', 'echo $$; trap "" HUP; sleep 600'] });
      guest.stdout.pipe(process.stdout);`,
    );
    doomed = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: doomed.stdout as NodeJS.ReadableStream });
    const pids: number[] = [];
    lines.on('line', (line) => pids.push(Number(line)));
    const guest = await waitUntil(() => pids[1]);
    doomed.kill('SIGKILL');
    await once(doomed, 'exit');
    await new ProcessDriver({ dataDir, runnerPath }).reconcile();
    await vanished(guest);
  });

  it('removes the socket of a container of a killed worker, also one that found no room in a long data directory', async () => {
    const root = dataDir;
    dataDir = join(root, 'a-name-that-is-long-enough-for-sockets-to-need-another-place'.repeat(2));
    mkdirSync(dataDir);
    await orphan();
    doomed?.kill('SIGKILL');
    await once(doomed as ChildProcess, 'exit');
    const socketPath = join(tmpdir(), 'ta-orphan.sock');
    writeFileSync(socketPath, '');

    await new ProcessDriver({ dataDir, runnerPath }).reconcile();
    dataDir = root;

    expect(existsSync(socketPath)).toBe(false);
  });

  it('removes what a worker had begun when it was killed: a start, and a directory that was to have another name', async () => {
    const pid = await orphan();
    doomed?.kill('SIGKILL');
    await once(doomed as ChildProcess, 'exit');
    process.kill(-pid, 'SIGKILL');
    await vanished(pid);
    const [records, containers] = [join(dataDir, 'processes'), join(dataDir, 'containers')];
    const [name = ''] = readdirSync(records);
    const { owner } = JSON.parse(readFileSync(join(records, name), 'utf8')) as { owner: object };
    for (const [token, made] of Object.entries({ begun: 'warm-begun', moved: 'warm-moved' })) {
      const directory = join(containers, token === 'moved' ? 'ta-moved' : made);
      writeFileSync(join(records, token), JSON.stringify({ token, directory, owner }));
      mkdirSync(join(containers, made));
    }

    expect(await new ProcessDriver({ dataDir, runnerPath }).reconcile()).toBe(0);

    expect(readdirSync(containers)).toEqual([]);
    expect(readdirSync(records)).toEqual([]);
  });

  it('records a process before it starts it, so that none is forgotten', async () => {
    const script = join(dataDir, 'look');
    const look = `#!/bin/sh\nls '${join(dataDir, 'processes')}' > '${join(dataDir, 'seen')}'\n`;
    writeFileSync(script, look, { mode: 0o755 });
    const driver = new ProcessDriver({ dataDir, runnerPath, nodePath: script });
    const container = await driver.start({ id: 'ta-looks' });
    await container.exited;
    await driver.close();

    expect(readFileSync(join(dataDir, 'seen'), 'utf8')).toMatch(/^[\w-]{12}\n$/);
  });

  it('leaves nothing of a process that could not be started', async () => {
    const driver = new ProcessDriver({ dataDir, runnerPath, nodePath: join(dataDir, 'nowhere') });
    await expect(driver.start({ id: 'ta-never' })).rejects.toThrow('could not be started');
    expect(readdirSync(join(dataDir, 'containers'))).toEqual([]);
    expect(readdirSync(join(dataDir, 'processes'))).toEqual([]);
  });

  it('leaves the containers of a worker that still runs', async () => {
    const pid = await orphan();
    const driver = new ProcessDriver({ dataDir, runnerPath });
    expect(await driver.reconcile()).toBe(0);
    expect(() => process.kill(pid, 0)).not.toThrow();
    process.kill(-pid, 'SIGKILL');
  });

  it('never ends a stranger that has the pid of a recorded process', async () => {
    const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const pid = await orphan();
    doomed?.kill('SIGKILL');
    await once(doomed as ChildProcess, 'exit');
    process.kill(-pid, 'SIGKILL');
    await vanished(pid);
    const folder = join(dataDir, 'processes');
    const path = join(folder, readdirSync(folder)[0] as string);
    const record = JSON.parse(readFileSync(path, 'utf8')) as { pid: number };
    writeFileSync(path, JSON.stringify({ ...record, pid: stranger.pid }));
    const driver = new ProcessDriver({ dataDir, runnerPath });
    expect(await driver.reconcile()).toBe(0);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill('SIGKILL');
  });

  it('starts a process ahead again after one was taken', async () => {
    const driver = new ProcessDriver({ dataDir, runnerPath, prewarm: 1 });
    const warm = (): string[] =>
      readdirSync(join(dataDir, 'containers')).filter((name) => name.startsWith('warm-'));
    await expect.poll(warm).toHaveLength(1);
    const [before] = warm();
    const container = await driver.start({ id: 'ta-one' });
    driver.prewarm();
    await expect.poll(warm).toHaveLength(1);
    expect(warm()[0]).not.toBe(before);
    expect(existsSync(container.directory)).toBe(true);
    await driver.close();
    expect(readdirSync(join(dataDir, 'containers'))).toEqual([]);
    expect(readdirSync(join(dataDir, 'processes'))).toEqual([]);
  });

  it('replaces a warm process that died', async () => {
    const driver = new ProcessDriver({ dataDir, runnerPath, prewarm: 1 });
    const recorded = (): number[] =>
      readdirSync(join(dataDir, 'processes')).map(
        (name) => (JSON.parse(readFileSync(join(dataDir, 'processes', name), 'utf8')) as { pid: number }).pid,
      );
    await expect.poll(recorded).toHaveLength(1);
    const [first] = recorded();
    process.kill(first as number, 'SIGKILL');
    await expect.poll(() => recorded().filter((pid) => pid !== first), { timeout: 10_000 }).toHaveLength(1);
    await driver.close();
  });

  it('tells a process that the kernel killed for want of memory from one that somebody killed', async () => {
    let kernelKills = 3;
    const driver = new ProcessDriver({ dataDir, runnerPath, readKernelKills: () => kernelKills });
    const murdered = await driver.start({ id: 'ta-murdered' });
    murdered.signal('SIGKILL');
    expect(await murdered.exited).toEqual({ code: null, signal: 'SIGKILL' });
    const [starved, stopped] = [
      await driver.start({ id: 'ta-starved' }),
      await driver.start({ id: 'ta-stopped' }),
    ];
    kernelKills++;
    stopped.kill();
    expect(await stopped.exited).toEqual({ code: null, signal: 'SIGKILL' });
    starved.signal('SIGKILL');
    expect(await starved.exited).toEqual({ code: null, signal: 'SIGKILL', outOfMemory: true });
    await driver.close();
  });

  it('says which program could not be started', async () => {
    const driver = new ProcessDriver({ dataDir, runnerPath, nodePath: '/nowhere/node' });
    await expect(driver.start({ id: 'ta-none' })).rejects.toThrow(
      'the program "/nowhere/node" could not be started',
    );
  });

  it('has the kernel kill containers before their worker when memory is short', async () => {
    const driver = new ProcessDriver({ dataDir, runnerPath });
    const container = await driver.start({ id: 'ta-first' });
    const scoreOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1'));
    expect(scoreOf(container.pid)).toBe(800);
    expect(scoreOf(process.pid)).toBeLessThan(800);
    await driver.close();
  });

  it('hands no variable of the worker to the container but those it needs', async () => {
    process.env['GANTRY_TEST_SECRET'] = 'hush';
    process.env['LD_LIBRARY_PATH'] = '/opt/driver';
    const driver = new ProcessDriver({ dataDir, runnerPath, env: { GIVEN: 'yes' } });
    const container = await driver.start({ id: 'ta-env' });
    delete process.env['GANTRY_TEST_SECRET'];
    delete process.env['LD_LIBRARY_PATH'];
    const environment = readFileSync(`/proc/${container.pid}/environ`, 'latin1').split('\0');
    expect(environment).toEqual(expect.arrayContaining(['GIVEN=yes', 'LD_LIBRARY_PATH=/opt/driver']));
    expect(environment.join()).not.toContain('hush');
    await driver.close();
  });
});

async function vanished(pid: number): Promise<void> {
  await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
}
