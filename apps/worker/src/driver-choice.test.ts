import { describe, expect, it } from 'vitest';

import { chooseDriver } from './driver-choice.ts';

const problem = { message: 'there is no "runc"', hint: 'Run "apt-get install runc".' };

describe('the driver of a worker', () => {
  it('is the one that is asked for, where it can run', () => {
    expect(chooseDriver('runc', undefined)).toEqual({ name: 'runc' });
    expect(chooseDriver('process', undefined)).toEqual({ name: 'process' });
    expect(chooseDriver('process', problem)).toEqual({ name: 'process' });
  });

  it('is refused with what to do where it cannot run', () => {
    expect(() => chooseDriver('runc', problem)).toThrow('there is no "runc"');
    expect(() => chooseDriver('runc', problem)).toThrow(
      expect.objectContaining({ hint: 'Run "apt-get install runc".' }) as Error,
    );
  });

  it('says why, if its own choice is without isolation', () => {
    expect(chooseDriver('auto', problem)).toMatchObject({
      name: 'process',
      why: expect.stringContaining(problem.message) as string,
      hint: problem.hint,
    });
  });
});
