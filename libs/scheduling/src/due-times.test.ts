import fc from 'fast-check';
import { expect, it } from 'vitest';

import { DueTimes } from './due-times.ts';

it('names each key once, at the earliest of its times, as if all times were searched', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), inMs: fc.nat(50), passMs: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const dueTimes = new DueTimes();
      const expected = new Map<string, number>();
      let nowMs = 0;
      for (const { key, inMs, passMs } of steps) {
        dueTimes.add(key, nowMs + inMs);
        expected.set(key, Math.min(nowMs + inMs, expected.get(key) ?? Number.POSITIVE_INFINITY));
        nowMs += passMs;
        const due = [...expected].filter(([, atMs]) => atMs <= nowMs).map(([name]) => name);
        for (const name of due) expected.delete(name);
        expect(dueTimes.take(nowMs).sort()).toEqual(due.sort());
      }
    }),
  );
});
