import { connect } from 'node:net';
import { resolve } from 'node:path';

import { decodeValue } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { startedRunner } from './runner-process.fixture.ts';

const INTERACT = "globalThis[Symbol.for('gantry.host')].interact()";

test('one input of a container has the terminal at a time: others are refused', async () => {
  using runner = await startedRunner(`
    async first() { return ${INTERACT}; }
    async second() { return ${INTERACT}; }
  `);
  runner.run('first');
  expect(await runner.first('interact')).toMatchObject({ inputId: 'in-first' });
  runner.run('second');
  const { inputId, outcome } = await runner.first('output');
  expect(inputId).toBe('in-second');
  const error = outcome.type === 'error' ? decodeValue(outcome.error as Uint8Array) : undefined;
  expect(error).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('in-first') as string,
  });
});

test('an input whose terminal is gone before it was there is told so, and can ask again', async () => {
  using runner = await startedRunner(`
    async ask() { await ${INTERACT}.catch((error) => console.log(error.name)); return ${INTERACT}; }
  `);
  runner.run('ask');
  const { taker } = await runner.first('interact');
  connect(taker.at(-1) ?? '').end();
  await runner.until(
    () => runner.heard.filter(({ type }) => type === 'interact').length === 2,
    'the next request',
  );
  expect(runner.logs()).toContain('InteractiveTimeoutError');
});

test('what waits for a terminal lies in the folder of its container, with which it goes', async () => {
  using runner = await startedRunner(`async ask() { return ${INTERACT}; }`);
  runner.run('ask');
  const { taker } = await runner.first('interact');
  expect(resolve(runner.folder, taker.at(-1) ?? '')).toMatch(`${runner.folder}/tty-`);
});
