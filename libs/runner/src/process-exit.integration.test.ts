import { decodeValue, type RunnerToWorker } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { RunnerProcess, startedRunner } from './runner-process.fixture.ts';

let runner: RunnerProcess | undefined;

afterEach(() => runner?.[Symbol.dispose]());

type Output = Extract<RunnerToWorker, { type: 'output' }>;

async function outputsAtTheEnd(running: RunnerProcess): Promise<Output[]> {
  await running.ended();
  await running.until(() => running.closed, 'the end of the channel');
  return running.heard.filter((message): message is Output => message.type === 'output');
}

function errorOf({ outcome }: Output): unknown {
  return outcome.type === 'error' ? decodeValue(outcome.error as Uint8Array) : outcome;
}

const WAIT = 'await new Promise((resolve) => setTimeout(resolve, 60_000));';

describe('code that calls process.exit', () => {
  it('fails its own input with the exit code, and leaves the others to be run elsewhere', async () => {
    runner = await startedRunner(
      `async other() { ${WAIT} }
       async leave() { await null; console.log('farewell'); process.exit(4); }`,
    );
    runner.run('other');
    runner.run('leave');
    const outputs = await outputsAtTheEnd(runner);
    expect(outputs.map(({ inputId }) => inputId)).toEqual(['in-leave']);
    expect(outputs.map(errorOf)).toEqual([
      expect.objectContaining({
        name: 'ContainerError',
        message: 'the code of input "in-leave" called process.exit(4)',
      }),
    ]);
    expect(runner.logs()).toContain('farewell');
  });

  it('fails the whole batch that its input belongs to', async () => {
    runner = await startedRunner('leave(xs) { process.exit(0); }');
    const input = { callId: 'fc-1', args: new Uint8Array([0x81, 1]), attempt: 0 };
    const inputs = ['in-1', 'in-2'].map((inputId) => ({ inputId, ...input }));
    runner.channel.send({ type: 'runBatch', method: 'leave', lists: 1, inputs });
    const outputs = await outputsAtTheEnd(runner);
    expect(outputs.map(({ inputId, outcome }) => [inputId, outcome.type])).toEqual([
      ['in-1', 'error'],
      ['in-2', 'error'],
    ]);
  });

  it('outside every input fails the only one that runs, and none of several', async () => {
    const leave = 'globalThis.later = setInterval(() => { if (globalThis.leave) process.exit(2); }, 20);';
    const members = `async one() { globalThis.leave = true; ${WAIT} }  async wait() { ${WAIT} }`;
    runner = await startedRunner(members, { before: leave });
    runner.run('one');
    expect((await outputsAtTheEnd(runner)).map(({ inputId }) => inputId)).toEqual(['in-one']);
    runner[Symbol.dispose]();
    runner = await startedRunner(members, { before: leave });
    runner.run('wait');
    runner.run('one');
    expect(await outputsAtTheEnd(runner)).toEqual([]);
  });

  it.each([
    ['while its module loads', '', {}],
    ['in an @enter hook', 'async open() { await null; process.exit(5); }', { enter: ['open'] }],
  ])('%s has failed to load', async (_, members, hooks) => {
    runner = new RunnerProcess();
    runner.load(members, members === '' ? { before: 'process.exit(5);' } : hooks);
    const { message } = await runner.first('loadFailed');
    expect(message).toBe('the code called process.exit(5) while it was loading');
    expect((await runner.ended()).code).toBe(5);
  });
});
