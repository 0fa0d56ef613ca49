import { decodeValue } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { RunnerProcess, startedRunner, type LoadOptions } from './runner-process.fixture.ts';

let runner: RunnerProcess | undefined;

afterEach(() => runner?.[Symbol.dispose]());

async function started(members: string, options: LoadOptions = {}): Promise<RunnerProcess> {
  return (runner = await startedRunner(members, options));
}

const SECOND_LINE_OF_SOURCE = '{"version":3,"sources":["../src/job.ts"],"names":[],"mappings":"AACA"}';

describe('a runner process', () => {
  it('says hello, loads, runs and answers', async () => {
    const running = await started('given(x) { return process.env.GIVEN + x; }');
    running.run('given', '!');
    const { outcome } = await running.first('output');
    expect(outcome.type === 'value' && decodeValue(outcome.value as Uint8Array)).toBe('value!');
  });

  it('maps stacks to the sources of the user, without frames of its own', async () => {
    const running = await started('fail() { throw new Error("mapped"); }', { map: SECOND_LINE_OF_SOURCE });
    running.run('fail');
    const { outcome } = await running.first('output');
    const stack = outcome.type === 'error' ? outcome.stack : undefined;
    expect(stack).toContain('src/job.ts:2');
    expect(stack).not.toContain('input-loop');
  });

  it('leaves its own frames out of the stacks of causes, and of errors in others, too', async () => {
    const running = await started(
      `fail() {
        const root = new RangeError('root');
        root.cause = root;
        throw new AggregateError([new Error('one', { cause: root }), 'two'], 'many', { cause: new TypeError('why') });
      }`,
      { map: SECOND_LINE_OF_SOURCE },
    );
    running.run('fail');
    const { outcome } = await running.first('output');
    const many = decodeValue((outcome as { error: Uint8Array }).error) as AggregateError;
    const one = many.errors[0] as Error;
    const found = [many, many.cause as Error, one, one.cause as Error];
    expect(found.map(({ message }) => message)).toEqual(['many', 'why', 'one', 'root']);
    for (const { stack } of found) {
      expect(stack).toContain('job.ts');
      expect(stack).not.toContain('input-loop');
    }
  });

  it('tags what JavaScript writes with its input, and leaves native output to the pipes', async () => {
    const running = await started(`async speak() {
      await null;
      console.log('tagged');
      (await import('node:fs')).writeSync(1, 'native');
    }`);
    running.run('speak');
    expect(await running.first('log')).toMatchObject({
      stream: 'stdout',
      text: 'tagged\n',
      inputId: 'in-speak',
    });
    await running.until(() => running.raw.includes('native'), 'native output');
    expect(running.raw).toBe('native');
  });

  it('fails the input whose code throws outside its promise, and lives on', async () => {
    const running = await started(`
      stray() { setTimeout(() => { throw new TypeError('stray'); }, 1); return new Promise(() => undefined); }
      fine() { return 1; }`);
    running.run('stray');
    expect((await running.first('output')).outcome).toMatchObject({ type: 'error' });
    running.run('fine');
    await running.until(
      () => running.heard.some((message) => message.type === 'output' && message.inputId === 'in-fine'),
      'fine',
    );
  });

  it('crashes with its last words when code of no input throws', async () => {
    const running = await started('', { before: "setTimeout(() => { throw new Error('homeless'); }, 50);" });
    expect(await running.ended()).toEqual({ code: 1, signal: null });
    await running.until(() => running.logs().includes('homeless'), 'last words');
    expect(await running.first('crashed')).toMatchObject({ message: 'homeless' });
  });

  it('delivers what was logged before process.exit', async () => {
    const running = await started("leave() { console.log('farewell'); process.exit(4); }");
    running.run('leave');
    expect((await running.ended()).code).toBe(4);
    await running.until(() => running.logs().includes('farewell'), 'the farewell');
  });

  it.each([
    ['whose module throws', '', { before: "throw new SyntaxError('not today');" }],
    [
      'whose @enter hook throws',
      "async open() { await null; throw new SyntaxError('not today'); }",
      { enter: ['open'] },
    ],
  ])('reports code %s, with what it threw as the cause, and ends', async (_what, members, options) => {
    runner = new RunnerProcess();
    runner.load(members, options);
    const { error, message, stack } = await runner.first('loadFailed');
    expect(message).toBe('not today');
    expect(stack).not.toContain('/runner');
    const failure = decodeValue(error) as Error;
    expect(failure).toMatchObject({
      name: 'ContainerError',
      message: expect.stringContaining('cannot start: not today') as string,
    });
    expect(failure.cause).toBeInstanceOf(SyntaxError);
    expect((await runner.ended()).code).toBe(1);
  });

  it.each(['stop', 'SIGTERM'])(
    'finishes what runs and runs exit hooks, last one first, at %s',
    async (how) => {
      const running = await started(
        `async slow() { await new Promise((resolve) => setTimeout(resolve, 100)); return 'done'; }
       one() { console.log('one'); }
       two() { console.log('two'); throw new Error('two failed'); }`,
        { exit: ['one', 'two'] },
      );
      running.run('slow');
      if (how === 'stop') running.channel.send({ type: 'stop', graceMs: 30_000 });
      else setTimeout(() => running.process.kill('SIGTERM'), 50);
      expect(await running.ended()).toEqual({ code: 0, signal: null });
      expect((await running.first('output')).outcome.type).toBe('value');
      await running.until(() => running.logs().includes('one\n'), 'exit hooks');
      expect(running.logs()).toMatch(/two\n.*two failed[^]*one\n/);
    },
  );

  it('ignores SIGINT, and ends at once when its worker is gone', async () => {
    const running = await started('fine() { return 1; }');
    running.process.kill('SIGINT');
    running.run('fine');
    await running.first('output');
    running.channel.close();
    expect((await running.ended()).code).toBe(1);
  });

  it('shows that its event loop turns', async () => {
    const running = await started('');
    expect(await running.first('heartbeat')).toBeDefined();
  });
});
