import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Ending } from './ending.ts';

describe('the end of a container, as its worker limits it', () => {
  let killed: string[];
  let logged: string[];
  let ending: Ending;

  beforeEach(() => {
    vi.useFakeTimers();
    [killed, logged] = [[], []];
    const note = (text: string) => void logged.push(text);
    ending = new Ending({
      name: 'scan',
      containerId: 'ta-1',
      log: {
        routine: note,
        system: note,
        masked: (text) => text.replace('secret', '***'),
        end: () => note('end'),
      },
      exitGraceMs: 30,
      timeoutMs: 100,
      kill: (reason, message) => killed.push(`${reason}: ${message}`),
      endProcess: () => killed.push('process'),
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('has the first reason that was given', () => {
    ending.stop('not needed');
    ending.because({ reason: 'crashed', message: 'its code threw' });
    ending.preempt('the machine goes');
    expect(ending.reason).toEqual({ reason: 'stopped', message: 'not needed' });
  });

  it('is told in the log once, with secrets struck out of what is reported', () => {
    ending.stop('not needed');
    ending.stop('still not needed');
    ending.kill('killed', 'asked for by secret');
    ending.kill('killed', 'again');
    const exit = ending.explain({ code: null, signal: 'SIGKILL' }, undefined);
    expect(exit).toMatchObject({ reason: 'stopped', message: 'not needed', signal: 'SIGKILL' });
    expect(logged).toEqual([
      'container ta-1 stops: not needed',
      'container ta-1 is killed: asked for by secret',
      'end',
      'container ta-1 ended: stopped, signal SIGKILL',
    ]);
  });

  it('comes when it is not ready in time, and not once it is', () => {
    ending.limitStart(50);
    vi.advanceTimersByTime(49);
    expect(killed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(killed).toEqual(['loadFailed: did not become ready within 50 ms']);
    ending.limitStart(50);
    ending.clear();
    vi.runAllTimers();
    expect(killed).toHaveLength(1);
  });

  it('waits for what runs as long as that may take, and then for exit hooks', () => {
    ending.stop('not needed');
    vi.advanceTimersByTime(129);
    expect(killed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(killed).toEqual(['killed: did not end within 130 ms after it was stopped']);
  });

  it('waits for exit hooks alone once nothing runs, however often that is said', () => {
    ending.stop('not needed');
    ending.idle();
    vi.advanceTimersByTime(20);
    ending.idle();
    vi.advanceTimersByTime(10);
    expect(killed).toEqual(['killed: exit hooks took longer than 30 ms']);
  });

  it('is not limited while nobody wants it to end', () => {
    ending.idle();
    vi.runAllTimers();
    expect(killed).toEqual([]);
  });

  it('gives what is preempted its grace once', () => {
    ending.preempt('the machine goes');
    vi.advanceTimersByTime(29);
    ending.idle();
    expect(killed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(killed).toEqual(['killed: did not end within 30 ms after it was preempted']);
  });

  it('comes soon for code that failed to load', () => {
    ending.loadFailed({ reason: 'loadFailed', message: 'a typo' });
    vi.runAllTimers();
    expect(killed).toEqual(['process']);
    expect(ending.reason?.message).toBe('a typo');
  });
});
