import { describe, expect, it } from 'vitest';

import { chooseDriver, findDriver } from './driver-choice.ts';

const problem = { message: 'there is no "runc"', hint: 'Run "apt-get install runc".' };
const ociRuntime = 'crun';

describe('the driver of a worker', () => {
  it('isolates containers where that works, whether asked for or not', () => {
    for (const driver of ['auto', 'runc'] as const) {
      expect(chooseDriver({ driver, ociRuntime }, undefined)).toEqual({ name: 'runc', ociRuntime });
    }
  });

  it('says what is not limited, where an ordinary user isolates containers', () => {
    const choice = chooseDriver({ driver: 'auto', ociRuntime }, undefined, { isLimited: false });
    expect(choice).toMatchObject({
      name: 'runc',
      why: expect.stringContaining('CPU, disk and processes not at all') as string,
    });
  });

  it('is refused with what to do where it is asked for and cannot run', () => {
    expect(() => chooseDriver({ driver: 'runc', ociRuntime }, problem)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(problem.message) as string,
        hint: problem.hint,
      }) as Error,
    );
  });

  it('says why, if its own choice is without isolation', () => {
    expect(chooseDriver({ driver: 'auto', ociRuntime }, problem)).toEqual({
      name: 'process',
      why: `runc cannot run here: ${problem.message}`,
      hint: problem.hint,
    });
  });

  it('is never without isolation where an OCI runtime is named', async () => {
    const named = { driver: 'auto', ociRuntime: 'no-such-runtime' } as const;
    const nowhere = { folder: '/nowhere', runnerPath: '/nowhere/runner.mjs' };
    await expect(findDriver({ ...named, ...nowhere })).rejects.toThrow('the driver "runc" cannot run here');
  });

  it('makes plain processes where these are asked for, and looks for nothing else', async () => {
    const nowhere = { folder: '/nowhere', runnerPath: '/nowhere/runner.mjs' };
    expect(await findDriver({ driver: 'process', ...nowhere })).toEqual({ name: 'process' });
  });
});
