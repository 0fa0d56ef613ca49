import type { FunctionSpec } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { type Metered, UsageLedger } from './usage-ledger.ts';

const HOUR_MS = 3_600_000;
const GIB = 1024 ** 3;

class FakeContainer implements Metered {
  readonly record: Metered['record'];
  readonly gpuTypes: readonly string[];
  cpuTimeMs: number | undefined = 0;
  memoryBytes: number | undefined = 0;

  constructor(options: Partial<FunctionSpec['options']> = {}, gpuTypes: readonly string[] = []) {
    const spec = { name: 'work', options: { cpu: 1, memoryMiB: 1024, ...options } } as FunctionSpec;
    this.record = { id: 'fu-1', environment: 'en-1', appId: 'ap-1', appName: 'shop', spec };
    this.gpuTypes = gpuTypes;
  }
}

function start(container: FakeContainer): UsageLedger {
  const ledger = new UsageLedger('one');
  ledger.began(container, { nowMs: 0 });
  return ledger;
}

describe('what a container takes up', () => {
  it('is what was reserved for it while it uses less', () => {
    const container = new FakeContainer({ cpu: 2, memoryMiB: 512 });
    const ledger = start(container);
    container.cpuTimeMs = 100;
    container.memoryBytes = GIB / 4;
    ledger.read(container, { nowMs: 10_000, wallMs: 0 });
    const functions = [
      {
        ...{ environment: 'en-1', appId: 'ap-1', appName: 'shop', functionName: 'work' },
        ...{ containerSeconds: 10, cpuSeconds: 20, memoryGiBSeconds: 5, gpuSeconds: {} },
      },
    ];
    expect(ledger.hours()).toEqual([{ hourMs: 0, source: 'one', functions }]);
  });

  it('is what it used where that is more, of each thing by itself, between any two readings', () => {
    const container = new FakeContainer();
    const ledger = start(container);
    container.cpuTimeMs = 30_000;
    container.memoryBytes = GIB / 2;
    ledger.read(container, { nowMs: 10_000, wallMs: 0 });
    container.cpuTimeMs = 30_001;
    container.memoryBytes = 3 * GIB;
    ledger.read(container, { nowMs: 20_000, wallMs: 0 });
    expect(ledger.hours()[0]?.functions[0]).toMatchObject({ cpuSeconds: 40, memoryGiBSeconds: 40 });
  });

  it('is what was reserved where the machine cannot tell what it uses', () => {
    const container = new FakeContainer();
    container.cpuTimeMs = container.memoryBytes = undefined;
    const ledger = start(container);
    ledger.read(container, { nowMs: 7_000, wallMs: 0 });
    expect(ledger.hours()[0]?.functions[0]).toMatchObject({ cpuSeconds: 7, memoryGiBSeconds: 7 });
  });

  it('has each of its GPUs for as long as it runs', () => {
    const container = new FakeContainer({}, ['H100', 'H100', 'T4']);
    const ledger = start(container);
    ledger.read(container, { nowMs: 3_000, wallMs: 0 });
    expect(ledger.hours()[0]?.functions[0]?.gpuSeconds).toEqual({ H100: 6, T4: 3 });
  });

  it('ends with it', () => {
    const container = new FakeContainer();
    const ledger = start(container);
    ledger.ended(container, { nowMs: 4_000, wallMs: 0 });
    ledger.readAll({ nowMs: 60_000, wallMs: 0 });
    expect(ledger.hours()[0]?.functions[0]).toMatchObject({ containerSeconds: 4 });
  });
});

describe('a ledger', () => {
  it('adds up containers of a function by the hour, and forgets hours that are over alone', () => {
    const [first, second] = [new FakeContainer(), new FakeContainer()];
    const ledger = start(first);
    ledger.began(second, { nowMs: 1_000 });
    ledger.readAll({ nowMs: 2_000, wallMs: HOUR_MS - 1 });
    ledger.readAll({ nowMs: 3_000, wallMs: HOUR_MS });
    const seconds = () =>
      ledger.hours().map(({ hourMs, functions }) => [hourMs, functions[0]?.containerSeconds]);
    expect(seconds()).toEqual([
      [0, 3],
      [HOUR_MS, 2],
    ]);
    for (const hourMs of [0, HOUR_MS]) ledger.forget(hourMs, HOUR_MS);
    expect(seconds()).toEqual([[HOUR_MS, 2]]);
  });
});
