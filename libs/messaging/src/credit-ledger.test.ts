import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CreditLedger } from './credit-ledger.ts';

describe('CreditLedger', () => {
  it('counts what was asked for and not delivered', () => {
    const ledger = new CreditLedger(60_000);
    ledger.asked(10, 0);
    ledger.delivered();
    ledger.delivered();
    expect(ledger.outstanding).toBe(8);
    expect(ledger.returned(3)).toBe(3);
    expect(ledger.returned(100)).toBe(5);
    ledger.delivered();
    expect(ledger.outstanding).toBe(0);
  });

  it('finds the credits of requests that ended without an answer, and only those', () => {
    const ledger = new CreditLedger(60_000);
    ledger.asked(10, 0);
    ledger.asked(4, 30_000);
    expect(ledger.expire(61_000)).toBe(0);
    expect(ledger.expire(64_001)).toBe(10);
    expect(ledger.outstanding).toBe(4);
    expect(ledger.expire(64_002)).toBe(0);
    expect(ledger.expire(94_001)).toBe(4);
  });

  it('never holds more credits than the living requests asked for', () => {
    const steps = fc.array(fc.record({ ask: fc.nat(20), deliver: fc.nat(20), waitMs: fc.nat(40_000) }));
    fc.assert(
      fc.property(steps, (all) => {
        const ledger = new CreditLedger(60_000);
        const asked: { atMs: number; credits: number }[] = [];
        let nowMs = 0;
        for (const { ask, deliver, waitMs } of all) {
          ledger.asked(ask, nowMs);
          asked.push({ atMs: nowMs, credits: ask });
          for (let i = 0; i < deliver; i++) ledger.delivered();
          nowMs += waitMs;
          ledger.expire(nowMs);
          const living = asked.filter(({ atMs }) => atMs + 65_000 >= nowMs);
          expect(ledger.outstanding).toBeLessThanOrEqual(
            living.reduce((sum, { credits }) => sum + credits, 0),
          );
          expect(ledger.outstanding).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
