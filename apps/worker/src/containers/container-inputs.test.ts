import type { WorkerToRunner } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { AssignedInput } from '../inputs/assigned-input.ts';
import { functionSpec, InputBench, NotedDelivery, silentLog } from '../inputs/input-doubles.ts';
import { Payloads } from '../inputs/payloads.ts';
import type { ValueStreams } from '../inputs/value-streams.ts';
import { ContainerInputs } from './container-inputs.ts';

let bench: InputBench;
let sent: string[];
let stuck: string[];
let isServing: boolean;
let lastSignMs: number | undefined;
let inputs: ContainerInputs;

beforeEach(() => {
  bench = new InputBench();
  sent = [];
  stuck = [];
  isServing = false;
  lastSignMs = undefined;
  inputs = new ContainerInputs({
    ...{ watch: bench.watch, settlement: bench.settlement, crashes: bench.crashes, clock: bench.clock },
    payloads: new Payloads({} as ConstructorParameters<typeof Payloads>[0]),
    streams: {} as ValueStreams,
    log: silentLog,
    site: { pool: 'fu-1', containerId: 'ta-1', spec: functionSpec({ maxInputs: 4 }) },
    timeoutMs: 10_000,
    send: (message: WorkerToRunner) => sent.push(message.type === 'run' ? message.inputId : message.type),
    onChange: () => undefined,
    onPlacesLost: () => undefined,
    onStuck: (input, reason) => stuck.push(`${input.message.inputId} ${reason}`),
    isServing: () => isServing,
    lastSignMs: () => lastSignMs,
  });
});
afterEach(() => bench.watch.close());

function run(inputId: string): NotedDelivery {
  const delivery = new NotedDelivery({ inputId });
  const input = new AssignedInput(delivery, bench.clock.nowMs);
  bench.watch.add(input);
  inputs.run(input);
  return delivery;
}

function finish(inputId: string): void {
  const outcome = { type: 'value', value: new Uint8Array([1]) } as const;
  inputs.finished({ type: 'output', inputId, outcome, startedAtMs: 1, finishedAtMs: 2 });
}

/** As the watch over inputs does it, where its sweeps are let through to these. */
function sweepAfter(ms: number): void {
  bench.clock.nowMs += ms;
  bench.overdue.length = 0;
  bench.watch.sweep();
  for (const input of bench.overdue) inputs.overdue(input, bench.clock.nowMs);
}

function serve(is: boolean): void {
  isServing = is;
}

function inputOf(inputId: string): AssignedInput {
  const found = [...bench.watch.ofCall('fc-1')].find(({ message }) => message.inputId === inputId);
  if (!found) throw new Error(`there is no input ${inputId}`);
  return found;
}

/** Lets containers crash under an input elsewhere. */
function crashTwice(inputId: string): void {
  bench.crashes.add(inputId);
  bench.crashes.add(inputId);
}

describe('an input under which two containers crashed', () => {
  beforeEach(() => crashTwice('in-2'));

  it('begins when the others have ended, and nothing comes in until it has', () => {
    run('in-1');
    expect(inputs.free(4)).toBe(3);
    run('in-2');
    expect([sent, inputs.free(4)]).toEqual([['in-1'], 0]);
    finish('in-1');
    expect([sent, inputs.free(4)]).toEqual([['in-1', 'in-2'], 0]);
    finish('in-2');
    expect(inputs.free(4)).toBe(4);
  });

  it('has its time from when it begins', () => {
    run('in-1');
    run('in-2');
    bench.clock.nowMs += 9_000;
    finish('in-1');
    bench.clock.nowMs += 9_000;
    bench.watch.sweep();
    expect(bench.overdue).toEqual([]);
    bench.clock.nowMs += 1_000;
    bench.watch.sweep();
    expect(bench.overdue).toHaveLength(1);
  });

  it.each([
    ['drains', () => inputs.drain()],
    ['is preempted', () => inputs.preempt()],
    ['crashes', () => inputs.orphan({ reason: 'crashed', code: null, signal: 'SIGSEGV' })],
  ])('runs elsewhere, with no further crash to its name, when the container %s before it began', (_, end) => {
    run('in-1');
    const waiting = run('in-2');
    end();
    expect(waiting.done).toEqual(['retryNow']);
    expect(bench.crashes.count('in-2')).toBe(2);
    expect(sent).not.toContain('in-2');
  });

  it('is failed if its own container crashes, too, as often as it may', async () => {
    bench.crashes.add('in-2');
    run('in-2');
    inputs.orphan({ reason: 'crashed', code: null, signal: 'SIGSEGV', message: 'why' });
    await bench.settle();
    expect(bench.stored).toMatchObject([
      { inputId: 'in-2', outcome: { failure: { name: 'ContainerError' } } },
    ]);
  });
});

it('a crash counts for each input that had begun, and they all run elsewhere', () => {
  const deliveries = [run('in-1'), run('in-2'), run('in-3')];
  inputs.orphan({ reason: 'outOfMemory', code: null, signal: 'SIGABRT' });
  expect(deliveries.map(({ done }) => done)).toEqual([['retryNow'], ['retryNow'], ['retryNow']]);
  expect(['in-1', 'in-2', 'in-3'].map((inputId) => bench.crashes.count(inputId))).toEqual([1, 1, 1]);
});

describe('a cancelled input whose code goes on', () => {
  it('ends its container when nothing else that is wanted runs there, 3 s after it was told', () => {
    run('in-1');
    inputs.cancel(inputOf('in-1'));
    sweepAfter(2_900);
    expect([sent, stuck]).toEqual([['in-1', 'abort'], []]);
    sweepAfter(100);
    expect(stuck).toEqual(['in-1 cancelled']);
  });

  it.each([
    ['another input', () => run('in-2'), () => finish('in-2')],
    ['a web request', () => serve(true), () => serve(false)],
  ])('lets %s end first', (_, begin, end) => {
    run('in-1');
    begin();
    inputs.cancel(inputOf('in-1'));
    sweepAfter(3_000);
    sweepAfter(900);
    end();
    expect(stuck).toEqual([]);
    sweepAfter(200);
    expect(stuck).toEqual(['in-1 cancelled']);
  });

  it('goes on beside others for as long as its timeout, and no longer', () => {
    run('in-1');
    inputs.cancel(inputOf('in-1'));
    isServing = true;
    sweepAfter(3_000);
    sweepAfter(9_999);
    expect(stuck).toEqual([]);
    sweepAfter(1);
    expect(stuck).toEqual(['in-1 cancelled']);
  });

  it('ends its container at once where that gave no sign of life since', () => {
    run('in-1');
    isServing = true;
    lastSignMs = bench.clock.nowMs;
    inputs.cancel(inputOf('in-1'));
    sweepAfter(3_000);
    expect(stuck).toEqual(['in-1 cancelled']);
  });
});

it('a cancelled input whose code ends in time leaves its container as it is', () => {
  run('in-1');
  inputs.cancel(inputOf('in-1'));
  sweepAfter(2_000);
  finish('in-1');
  sweepAfter(2_000);
  expect([stuck, inputs.count]).toEqual([[], 0]);
});
