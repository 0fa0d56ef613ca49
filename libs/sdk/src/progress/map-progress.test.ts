import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeHost } from '../fake-host.fixture.ts';
import { enableOutput } from '../output.ts';
import { RemoteFunction } from '../remote-function.ts';
import { mapText, showMap, type MapCounts, type ProgressView } from './map-progress.ts';
import { yieldScreen } from './screen.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Where lines can change, or not; with what was printed. */
function aView(isPossible: boolean) {
  const printed: string[] = [];
  const live = new Set<() => string | undefined>();
  const view: ProgressView = {
    print: (line) => void printed.push(line),
    lines: {
      isPossible,
      add(text) {
        live.add(text);
        return () => void live.delete(text);
      },
    },
  };
  return { view, printed, shown: () => [...live].map((text) => text()) };
}

const square = (counts: () => MapCounts) => ({ label: 'square', word: 'done', counts });

describe('the progress of a map', () => {
  it('says what is done of what is known, failures and rate', () => {
    const map = { label: 'Ocr.read', word: 'done' };
    const counts = { done: 30, failed: 0, known: 1000, areAllKnown: true };
    expect(mapText(map, counts)).toBe('Ocr.read: 30 of 1,000 done');
    expect(mapText(map, { ...counts, failed: 2 }, 2)).toBe('Ocr.read: 30 of 1,000 done, 2 failed, 2.0/s');
    expect(mapText(map, { ...counts, areAllKnown: false }, 1234.5)).toBe(
      'Ocr.read: 30 of 1,000+ done, 1,235/s',
    );
    expect(mapText(map, { ...counts, done: 1000 })).toBe('Ocr.read: 1,000 done');
  });

  it('is shown in the scope of enabled output alone, once the map has taken half a second', () => {
    const counts = { done: 1, failed: 0, known: 4, areAllKnown: true };
    const { view, shown, printed } = aView(true);
    showMap(
      square(() => counts),
      view,
    );
    vi.advanceTimersByTime(20_000);
    expect(shown()).toEqual([]);

    {
      using _output = enableOutput();
      const hide = showMap(
        square(() => counts),
        view,
      );
      expect(shown()).toEqual([]);
      vi.advanceTimersByTime(500);
      expect(shown()).toEqual(['square: 1 of 4 done, 2.0/s']);
      const takeBack = yieldScreen();
      expect(shown()).toEqual([undefined]);
      takeBack();
      hide();
      expect(shown()).toEqual([]);
      showMap(
        square(() => counts),
        view,
      );
      vi.advanceTimersByTime(500);
    }
    expect(shown()).toEqual([undefined]);
    expect(printed).toEqual([]);
  });

  it('is told every ten seconds where lines cannot change, and at the end of a long map', () => {
    const counts = { done: 0, failed: 0, known: 4, areAllKnown: true };
    const { view, printed } = aView(false);
    using _output = enableOutput();
    const hide = showMap(
      square(() => counts),
      view,
    );
    vi.advanceTimersByTime(9_000);
    counts.done = 2;
    expect(printed).toEqual([]);
    vi.advanceTimersByTime(1_000);
    vi.advanceTimersByTime(10_000);
    Object.assign(counts, { done: 4, failed: 1 });
    hide();
    vi.advanceTimersByTime(60_000);

    expect(printed).toEqual([
      'square: 2 of 4 done, 0.2/s',
      'square: 2 of 4 done',
      '✓ square: 4 done, 1 failed 20.0 s',
    ]);
  });

  it('has no last line where the map was quick, or was left', () => {
    const counts = { done: 4, failed: 0, known: 4, areAllKnown: true };
    const { view, printed } = aView(true);
    using _output = enableOutput();
    showMap(
      square(() => counts),
      view,
    )();
    const leave = showMap(
      square(() => ({ ...counts, done: 3 })),
      view,
    );
    vi.advanceTimersByTime(20_000);
    leave();
    expect(printed).toEqual([]);
  });
});

describe('every kind of map', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost().install();
    // Tests may run in a terminal.
    vi.stubEnv('TERM', 'dumb');
  });
  afterEach(() => {
    host.uninstall();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  const LATER = 10_000;

  it.each<[how: string, map: (square: RemoteFunction<[number], number>) => Promise<unknown>, text: string]>([
    ['map', (square) => Array.fromAsync(square.map([1, 2, 3])), 'square: 2 of 3 done, 0.2/s'],
    ['starmap', (square) => Array.fromAsync(square.starmap([[1], [2], [3]])), 'square: 2 of 3 done, 0.2/s'],
    [
      'map of what cannot be counted, with failures',
      async (square) => {
        async function* inputs() {
          yield* [1, -1, 3];
          await new Promise(() => undefined);
        }
        for await (const _ of square.map(inputs(), { returnExceptions: true }));
      },
      'square: 2 of 3+ done, 1 failed, 0.2/s',
    ],
    ['forEach', (square) => square.forEach(new Set([1, 2, 3])), 'square: 2 of 3 done, 0.2/s'],
  ])('%s', async (_how, map, text) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    host.add('maths', { name: 'square' }, async ([x]) => {
      if (x === -1) throw new Error('negative');
      if (x === 3) await new Promise(() => undefined);
      return (x as number) ** 2;
    });
    using _output = enableOutput();
    void map(RemoteFunction.fromName<(x: number) => number>('maths', 'square'));
    await vi.advanceTimersByTimeAsync(LATER);

    expect(written.mock.calls.map(([line]) => line)).toEqual([`${text}\n`]);
  });

  it('spawnMap, whose inputs are queued', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    host.add('maths', { name: 'square' }, ([x]) => x);
    const square = RemoteFunction.fromName<(x: number) => number>('maths', 'square');
    async function* inputs() {
      yield* [1, 2];
      await new Promise((resolve) => setTimeout(resolve, LATER + 1));
    }
    using _output = enableOutput();
    const spawned = square.spawnMap(inputs());
    await vi.advanceTimersByTimeAsync(LATER + 1);
    await spawned;

    expect(written.mock.calls.map(([line]) => line)).toEqual([
      expect.stringMatching(/^square: \d of 2\+ queued/),
      '✓ square: 2 queued 10.0 s\n',
    ]);
  });
});
