import type { Outcome } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { GangRun } from './gang-run.ts';

const value = (byte: number): Outcome => ({ type: 'value', value: new Uint8Array([byte]) });
const error = (byte: number): Outcome => ({ type: 'error', error: new Uint8Array([byte]) });
const failure: Outcome = { type: 'failure', failure: { code: 'CANCELLED', message: 'cancelled' } as never };

describe('an input in a gang', () => {
  it('is complete when the code of all ranks has ended, with what rank 0 returned', () => {
    const run = new GangRun('in-1', 3);
    run.take(1, value(1), { finishedAtMs: 5 });
    run.take(0, value(0), { startedAtMs: 1, finishedAtMs: 2 });
    expect([run.isComplete, run.missing]).toEqual([false, [2]]);
    run.take(2, value(2), { finishedAtMs: 4 });
    expect(run.isComplete).toBe(true);
    expect(run.output(failure)).toMatchObject({ outcome: value(0), startedAtMs: 1, finishedAtMs: 5 });
  });

  it('fails with what was thrown first, whoever said so first, and not with the aborts that followed', () => {
    const run = new GangRun('in-1', 4);
    run.take(0, error(0), { finishedAtMs: 3 });
    run.take(3, failure, { finishedAtMs: 1 });
    run.take(2, error(2), { finishedAtMs: 2 });
    run.take(1, value(1), { finishedAtMs: 0 });
    expect(run.hasFailed).toBe(true);
    expect(run.output(failure).outcome).toEqual(error(2));
  });

  it('of which one part was interrupted is interrupted', () => {
    const run = new GangRun('in-1', 2);
    run.take(0, value(0), { finishedAtMs: 1 });
    run.take(1, undefined, { finishedAtMs: 1 });
    expect(run.hasFailed).toBe(true);
    expect(run.output(failure).outcome).toBe(failure);
  });
});
