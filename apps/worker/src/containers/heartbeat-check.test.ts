import { beforeEach, describe, expect, it } from 'vitest';

import { StillClock } from '../inputs/input-doubles.ts';
import { HeartbeatCheck, type Heartbeating } from './heartbeat-check.ts';

class NotedContainer implements Heartbeating {
  lastSignMs: number | undefined;
  running: number;
  readonly kills: string[] = [];
  readonly #clock: StillClock;

  constructor(clock: StillClock, running: number) {
    this.#clock = clock;
    this.running = running;
    this.lastSignMs = clock.nowMs;
  }
  forgiveSilence(): void {
    this.lastSignMs = this.#clock.nowMs;
  }
  kill(reason: string, message: string): void {
    this.kills.push(`${reason}: ${message}`);
  }
}

let clock: StillClock;
let [busy, idle]: NotedContainer[] = [];
let check: HeartbeatCheck;

beforeEach(() => {
  clock = new StillClock();
  [busy, idle] = [new NotedContainer(clock, 1), new NotedContainer(clock, 0)];
  const containers = [busy, idle];
  check = new HeartbeatCheck({ clock, containers: () => containers, silenceMs: 300_000 });
});

/** Lets time pass in steps of a check. */
function pass(seconds: number): void {
  for (let passed = 0; passed < seconds; passed += 5) {
    clock.nowMs += 5_000;
    check.check();
  }
}

describe('the heartbeat check', () => {
  it('ends a container whose event loop stands still: after a minute when idle, after five when it runs something', () => {
    pass(60);
    expect(idle?.kills).toEqual([]);
    pass(5);
    expect(idle?.kills).toEqual(['heartbeat: heartbeat timeout: its event loop stood still for 60 s']);
    pass(235);
    expect(busy?.kills).toEqual([]);
    pass(5);
    expect(busy?.kills).toEqual(['heartbeat: heartbeat timeout: its event loop stood still for 300 s']);
  });

  it('leaves containers alone that give a sign now and then, or owe none yet', () => {
    Object.assign(idle as object, { lastSignMs: undefined });
    for (let minutes = 0; minutes < 20; minutes++) {
      pass(60);
      busy?.forgiveSilence();
    }
    expect([idle?.kills, busy?.kills]).toEqual([[], []]);
  });

  it('blames no container for a pause of the worker', () => {
    clock.nowMs += 3_600_000;
    check.check();
    pass(55);
    expect([idle?.kills, busy?.kills]).toEqual([[], []]);
  });
});
