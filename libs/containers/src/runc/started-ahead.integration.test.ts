import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isRootless } from '../rootless/user-namespace.ts';
import { Probe, writeProbe } from './probe.fixture.ts';
import { findRuncProblem } from './requirements.ts';
import { RuncDriver } from './runc-driver.ts';

const problem = findRuncProblem();

/** Makes the root of an image in which there are the libraries that Node needs, and nothing else. */
function rootForNode(folder: string): string {
  mkdirSync(join(folder, 'root'), { recursive: true });
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  for (const [, path = ''] of libraries) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    copyFileSync(path, join(folder, path));
  }
  return folder;
}

describe.skipIf(problem)(`runc driver, started ahead${problem ? ` (${problem.message})` : ''}`, () => {
  let work: TemporaryDirectory;
  let dataDir: string;
  let runnerPath: string;

  beforeEach(async () => {
    work = await temporaryDirectory();
    dataDir = join(work.path, 'data');
    runnerPath = join(work.path, 'runner', 'runner.mjs');
  });
  afterEach(() => work.remove());

  it('gives a container that was started ahead its mounts and limits when it is taken, and takes them away', async () => {
    writeProbe(runnerPath);
    const driver = new RuncDriver({ dataDir, runnerPath, prewarm: 1 });
    const source = join(work.path, 'bundle');
    mkdirSync(source);
    writeFileSync(join(source, 'code.mjs'), 'code');
    const mounts = [{ source, target: '/opt/gantry/bundle' }];
    const probe = await waitUntil(async () => {
      const started = await Probe.start(driver, { mounts, limits: { memoryMiB: 128 } });
      if (started.container.pathInside(source) === '/opt/gantry/late/bundle') return started;
      // None waited yet.
      await started.end();
      return undefined;
    });
    const inside = probe.container.pathInside(join(source, 'code.mjs'));
    expect(await probe.run(`return fs.readFileSync('${inside}', 'utf8')`)).toBe('code');
    expect(await probe.run(`fs.writeFileSync('${inside}', 'evil')`)).toMatch(/EACCES|EROFS/);
    // An ordinary user limits no memory.
    if (isRootless()) probe.container.kill();
    else probe.send(`globalThis.all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1));`);
    expect((await probe.container.exited).outOfMemory).toBe(isRootless() ? undefined : true);
    await driver.close();
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(source);
  });

  it('has a container of an image wait when one was started before, and gives it away', async () => {
    writeProbe(runnerPath);
    const driver = new RuncDriver({ dataDir, runnerPath, prewarm: 1 });
    const source = join(work.path, 'bundle');
    mkdirSync(source);
    writeFileSync(join(source, 'code.mjs'), 'code');
    let uses = 0;
    const retain = (): (() => void) => {
      uses++;
      return () => uses--;
    };
    const root = { layers: [rootForNode(join(work.path, 'image'))], env: { MARK: 'marked' }, retain };
    const options = { mounts: [{ source, target: '/opt/gantry/bundle' }], limits: { memoryMiB: 256 } };
    const isLate = (probe: Probe): boolean =>
      probe.container.pathInside(source) === '/opt/gantry/late/bundle';
    const probe = await waitUntil(
      async () => {
        const started = await Probe.start(driver, { ...options, root });
        if (isLate(started)) return started;
        await started.end();
        driver.prewarm();
        return undefined;
      },
      { timeoutMs: 60_000 },
    );
    const inside = probe.container.pathInside(join(source, 'code.mjs'));
    const look = `return [fs.readFileSync('${inside}', 'utf8'), process.env.MARK, fs.existsSync('/etc/passwd')]`;
    expect(await probe.run(look)).toEqual(['code', 'marked', false]);
    expect(uses).toBeGreaterThan(0);
    // Its first program would run before anybody wants it.
    const entrypoint = ['/opt/gantry/bin/init', '--'];
    for (let turn = 0; turn < 2; turn++) {
      const other = await Probe.start(driver, { ...options, root: { ...root, entrypoint } });
      expect(isLate(other)).toBe(false);
      driver.prewarm();
      await other.end();
    }
    await driver.close();
    expect(uses).toBe(0);
  });
});
