import { LIMITS } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeHost } from './fake-host.fixture.ts';
import { RemoteFunction } from './remote-function.ts';

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost().install();
});
afterEach(() => host.uninstall());

function handle<TFunction extends (...args: never[]) => unknown>(run: TFunction) {
  host.add('maths', { name: 'run' }, (args) => run(...(args as never[])));
  return RemoteFunction.fromName<TFunction>('maths', 'run');
}

describe('spawnMap', () => {
  it('submits every input as one call, in few messages, and waits for no result', async () => {
    const seen: string[] = [];
    const never = handle(async (n: number, letter: string) => {
      seen.push(`${letter}${n}`);
      await new Promise(() => undefined);
    });
    const numbers = Array.from({ length: 250 }, (_, n) => n);

    expect(await never.spawnMap(numbers, 'x'.repeat(1000))).toBeUndefined();

    expect(seen).toHaveLength(250);
    expect(seen.slice(0, 2)).toEqual(['x0', 'x1']);
    const submits = host.submits();
    expect(submits.map(({ inputs }) => inputs.length)).toEqual([100, 100, 50]);
    expect(new Set(submits.map(({ callId }) => callId)).size).toBe(1);
    expect(new Set(submits.map(({ kind }) => kind))).toEqual(new Set(['spawn']));
    expect(submits.flatMap(({ inputs }) => inputs.map(({ index }) => index))).toEqual(numbers);
    expect(host.sent.filter(({ type }) => type === 'forget')).toHaveLength(1);
  });

  it('reads inputs only as far as there is room', async () => {
    const quick = handle((n: number) => n);
    const emit = host.emit.bind(host);
    const heldBack: (() => void)[] = [];
    host.emit = (message) => void heldBack.push(() => emit(message));
    let read = 0;
    function* many() {
      for (; read < 5_000; read++) yield read;
    }
    const done = quick.spawnMap(many());
    for (let turn = 0; turn < 2_000 && read < LIMITS.mapInFlight - 1; turn++) await new Promise(setImmediate);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(read).toBeLessThanOrEqual(LIMITS.mapInFlight);

    host.emit = emit;
    for (const release of heldBack) release();
    await done;
    expect(read).toBe(5_000);
  });

  it('throws what its iterable throws, after what was read is on its way', async () => {
    const quick = handle((n: number) => n);
    function* broken() {
      yield 1;
      throw new RangeError('no more');
    }
    await expect(quick.spawnMap(broken())).rejects.toThrow('no more');
    expect(host.submits().flatMap(({ inputs }) => inputs)).toHaveLength(1);
  });

  it('throws why an input was refused', async () => {
    const gone = handle((n: number) => n);
    await gone.hydrate();
    host.functions.clear();
    await expect(gone.spawnMap([1, 2])).rejects.toThrow(/no function/);
  });
});
