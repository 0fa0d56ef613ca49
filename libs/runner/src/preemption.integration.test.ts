import { afterEach, describe, expect, it } from 'vitest';

import { type RunnerProcess, startedRunner } from './runner-process.fixture.ts';

let runner: RunnerProcess | undefined;

afterEach(() => runner?.[Symbol.dispose]());

const SIGNAL = "globalThis[Symbol.for('gantry.host')].currentInput().signal";
const HOOK = { exit: ['close'] };
const CLOSE = "close() { console.log('exit hook'); }";

describe('a runner that is preempted', () => {
  it("calls SIGINT listeners and fires the inputs' signals, then runs exit hooks and ends", async () => {
    runner = await startedRunner(
      `async patient() {
         process.once('SIGINT', () => console.log('SIGINT'));
         const signal = ${SIGNAL};
         await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
       } ${CLOSE}`,
      HOOK,
    );
    runner.run('patient');
    await runner.first('heartbeat');
    runner.channel.send({ type: 'preempt', graceMs: 30_000 });
    expect(await runner.ended()).toEqual({ code: 0, signal: null });
    expect((await runner.first('output')).outcome).toMatchObject({ failure: { name: 'InternalFailure' } });
    await runner.until(() => runner?.logs().includes('exit hook') === true, 'the exit hook');
    expect(runner.logs()).toContain('SIGINT');
  });

  it('waits for code that goes on, but with exit hooks to run no longer than half the grace', async () => {
    runner = await startedRunner(`async endless() { await new Promise(() => undefined); } ${CLOSE}`, HOOK);
    runner.run('endless');
    runner.channel.send({ type: 'preempt', graceMs: 400 });
    expect(await runner.ended()).toEqual({ code: 0, signal: null });
    await runner.until(() => runner?.closed === true, 'the end');
    expect(runner.logs()).toContain('exit hook');
    expect(runner.heard.some(({ type }) => type === 'output')).toBe(false);
  });

  it('lets code that takes no notice finish with its value', async () => {
    runner = await startedRunner(
      "async brief() { await new Promise((resolve) => setTimeout(resolve, 300)); return 'done'; }",
    );
    runner.run('brief');
    runner.channel.send({ type: 'preempt', graceMs: 30_000 });
    expect((await runner.first('output')).outcome.type).toBe('value');
    expect(await runner.ended()).toEqual({ code: 0, signal: null });
  });

  it('that was stopped before interrupts what it still waited for', async () => {
    runner = await startedRunner(
      `async patient() {
         const signal = ${SIGNAL};
         await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
       } ${CLOSE}`,
      HOOK,
    );
    runner.run('patient');
    runner.channel.send({ type: 'stop', graceMs: 30_000 });
    await runner.first('heartbeat');
    runner.channel.send({ type: 'preempt', graceMs: 30_000 });
    expect(await runner.ended()).toEqual({ code: 0, signal: null });
    await runner.until(() => runner?.logs().includes('exit hook') === true, 'the exit hook');
  });
});
