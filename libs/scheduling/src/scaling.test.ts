import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { containersToStop, desiredContainers, nextStopInMs, type ServingContainer } from './scaling.ts';

const idle = { demand: 0, targetInputs: 1, active: false, buffer: 0, min: 0, max: 100 };

describe('desiredContainers', () => {
  it.each([
    [{ ...idle }, 0],
    [{ ...idle, min: 2 }, 2],
    [{ ...idle, demand: 5 }, 5],
    [{ ...idle, demand: 5, max: 3 }, 3],
    [{ ...idle, demand: 9, targetInputs: 4 }, 3],
    [{ ...idle, demand: 1, active: true, buffer: 2 }, 3],
    [{ ...idle, buffer: 2 }, 0],
    [{ ...idle, active: true, buffer: 2, min: 1 }, 2],
  ])('wants for %j', (input, expected) => {
    expect(desiredContainers(input)).toBe(expected);
  });

  it('stays between minimum and maximum, and never shrinks when demand grows', () => {
    const inputs = fc.record({
      demand: fc.nat(10_000),
      targetInputs: fc.integer({ min: 1, max: 100 }),
      active: fc.boolean(),
      buffer: fc.nat(10),
      min: fc.nat(20),
      max: fc.integer({ min: 20, max: 500 }),
    });
    fc.assert(
      fc.property(inputs, fc.nat(100), (input, more) => {
        const desired = desiredContainers(input);
        expect(desired).toBeGreaterThanOrEqual(input.min);
        expect(desired).toBeLessThanOrEqual(input.max);
        expect(desiredContainers({ ...input, demand: input.demand + more })).toBeGreaterThanOrEqual(desired);
      }),
    );
  });
});

function container(containerId: string, changes: Partial<ServingContainer> = {}): ServingContainer {
  return { containerId, version: 1, ready: true, ...changes };
}

describe('containersToStop', () => {
  const input = { currentVersion: 1, desired: 0, scaledownWindowMs: 60_000 };

  it('ends what is idle for the scaledown window, the longest idle first', () => {
    const containers = [
      container('young', { idleForMs: 59_999 }),
      container('old', { idleForMs: 60_000 }),
      container('oldest', { idleForMs: 80_000 }),
      container('busy'),
    ];
    const stops = containersToStop({ ...input, desired: 3, containers });
    expect(stops).toEqual([{ containerId: 'oldest', reason: 'idle' }]);
  });

  it('shrinks early when there are more than twice as many as desired', () => {
    const containers = ['a', 'b', 'c'].map((id) => container(id, { idleForMs: 15_000 }));
    expect(containersToStop({ ...input, desired: 1, containers })).toHaveLength(2);
    expect(containersToStop({ ...input, desired: 2, containers })).toHaveLength(0);
  });

  it('keeps a ready one while those that are to take its place are starting', () => {
    const containers = [container('old', { idleForMs: 90_000 }), container('new', { ready: false })];
    expect(containersToStop({ ...input, desired: 1, containers })).toEqual([]);
  });

  it('says when the next one will end if nothing happens', () => {
    const containers = [container('a', { idleForMs: 10_000 }), container('b', { idleForMs: 50_000 })];
    expect(nextStopInMs({ ...input, desired: 1, containers })).toBe(10_000);
    expect(nextStopInMs({ ...input, desired: 2, containers })).toBe(Number.POSITIVE_INFINITY);
  });

  it('keeps an old version until a container of the current one is ready', () => {
    const old = container('old', { version: 1 });
    const starting = container('new', { version: 2, ready: false });
    expect(containersToStop({ ...input, currentVersion: 2, containers: [old, starting] })).toEqual([]);
    const ready = { ...starting, ready: true };
    const stops = containersToStop({ ...input, currentVersion: 2, containers: [old, ready] });
    expect(stops).toEqual([{ containerId: 'old', reason: 'version 2 took over' }]);
  });

  it('never leaves fewer than desired, and never ends a busy container of the current version', () => {
    const containers = fc.array(
      fc.record({ ready: fc.boolean(), idleForMs: fc.option(fc.nat(200_000), { nil: undefined }) }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(containers, fc.nat(20), (facts, desired) => {
        const all = facts.map((fact, index) => container(`c${index}`, fact));
        const stops = containersToStop({ ...input, desired, containers: all });
        expect(all.length - stops.length).toBeGreaterThanOrEqual(Math.min(desired, all.length));
        for (const { containerId } of stops) {
          expect(all.find((one) => one.containerId === containerId)?.idleForMs).toBeDefined();
        }
      }),
    );
  });
});
