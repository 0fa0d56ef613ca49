import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encodeValue } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const FUNCTIONS = "(globalThis[Symbol.for('gantry.imageFunctions')] ??= new Map())";

describe('a runner in a container that builds an image', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-image-function-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function run(code: string, name: string, ...args: unknown[]) {
    const bundle = join(folder, 'bundle.mjs');
    await writeFile(bundle, code);
    const encoded = Buffer.from(encodeValue(args)).toString('base64');
    const words = [join(import.meta.dirname, 'main.ts'), '--image-function', bundle, name, encoded];
    return spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8', timeout: 20_000 });
  }

  it('runs one function of the bundle with its arguments, shows what it prints, and ends', async () => {
    const code = `import { writeFile } from 'node:fs/promises';
      ${FUNCTIONS}.set('prepare', async (name, { at }) => {
        setInterval(() => undefined, 1_000);
        console.log('preparing', name);
        await writeFile(at, 'prepared ' + name);
      });`;

    const { status, stdout, stderr } = await run(code, 'prepare', 'eng', { at: 'out.txt' });

    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'preparing eng\n', stderr: '' });
    expect(await readFile(join(folder, 'out.txt'), 'utf8')).toBe('prepared eng');
  });

  it('fails with what the function throws', async () => {
    const { status, stderr } = await run(`${FUNCTIONS}.set('f', () => { throw new TypeError('oh'); });`, 'f');

    expect(status).toBe(1);
    expect(stderr).toContain('TypeError: oh');
  });

  it('fails if the bundle has no such function, or does not load', async () => {
    expect((await run('', 'gone')).stderr).toContain('image:gone');
    expect((await run('throw new Error("broken")', 'gone')).stderr).toContain('broken');
  });

  it('lets code know that it is in a container, where it can make no calls', async () => {
    const code = `const host = () => globalThis[Symbol.for('gantry.host')];
      ${FUNCTIONS}.set('f', async () => { console.log(host() !== undefined); await host().lookup('a', 'b'); });`;

    const { stdout, stderr } = await run(code, 'f');

    expect(stdout).toBe('true\n');
    expect(stderr).toContain('no calls can be made while an image is built');
  });

  it('says that a volume is not there which the step was not given', async () => {
    const code = `${FUNCTIONS}.set('f', () => globalThis[Symbol.for('gantry.host')].volume('commit', 'models'));`;

    expect((await run(code, 'f')).stderr).toContain('this step does not have volume "models"');
  });
});
