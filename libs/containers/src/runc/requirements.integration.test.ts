import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { isRootless } from '../rootless/user-namespace.ts';
import { findRuncProblem } from './requirements.ts';

const problem = findRuncProblem();

describe.skipIf(problem)(`what runc containers need${problem ? ` (${problem.message})` : ''}`, () => {
  it('is a runtime, and its package is named where it is missing', () => {
    expect(findRuncProblem('no-such-runtime')).toEqual({
      message: 'there is no "no-such-runtime"',
      hint: expect.stringContaining('apt-get install no-such-runtime') as string,
    });
  });

  it.skipIf(isRootless())('is a gVisor of today, where it is to be that', async () => {
    await using folder = await temporaryDirectory();
    const program = join(folder.path, 'runsc');
    expect(findRuncProblem(program)).toEqual({
      message: `there is no gVisor ("${program}")`,
      hint: expect.stringContaining('gvisor.dev') as string,
    });
    writeFileSync(program, '#!/bin/sh\necho "-bundle string"\n');
    chmodSync(program, 0o755);
    expect(findRuncProblem(program)).toEqual({
      message: expect.stringContaining('is too old: "run" has no option --pass-fd') as string,
      hint: expect.stringContaining('gvisor.dev') as string,
    });
  });

  it('is a runtime that leaves files open for containers, which not all do', async () => {
    await using folder = await temporaryDirectory();
    const program = join(folder.path, 'runtime');
    writeFileSync(program, '#!/bin/sh\necho "-bundle string"\n');
    chmodSync(program, 0o755);
    expect(findRuncProblem(program)?.message).toContain('has no option --preserve-fds');
  });
});
