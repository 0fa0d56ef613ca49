import { BuildError, ConnectionError, InvalidError, NotFoundError } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { exitCodeOf } from './exit-code.ts';
import { errorJson, reportError } from './report-error.ts';
import { createTerminal } from './terminal/terminal.ts';
import { UsageError } from './usage-error.ts';

function reported(error: unknown, env: Record<string, string> = { GANTRY_TRACEBACK: '0' }): string {
  let text = '';
  const stream = { write: (part: string) => (text += part) };
  reportError(error, createTerminal({ stdout: stream, stderr: stream, env }), env);
  return text;
}

describe('reportError', () => {
  test('prints code, message and hint, and no stack', () => {
    const error = new NotFoundError('the app "shop" does not exist', {
      hint: 'List apps with "gantry app list".',
    });

    expect(reported(error)).toBe(
      'error[NOT_FOUND]: the app "shop" does not exist\nhint: List apps with "gantry app list".\n',
    );
  });

  test('adds stack and cause with GANTRY_TRACEBACK=1', () => {
    const error = new ConnectionError('no answer', { cause: new Error('connect ECONNREFUSED') });

    const text = reported(error, { GANTRY_TRACEBACK: '1' });

    expect(text).toContain('report-error.test.ts');
    expect(text).toContain('caused by Error: connect ECONNREFUSED');
    expect(reported(error, { GANTRY_TRACEBACK: '0' })).not.toContain('caused by');
  });

  test('says where in the sources a build error stands', () => {
    const error = new BuildError('the method is private', { details: { file: 'src/app.ts', line: 12 } });

    expect(reported(error)).toContain('the method is private\n  at src/app.ts:12\n');
  });

  test('shows each mistake of a build in its source', () => {
    const mistakes = [
      { file: 'a.ts', line: 1, text: 'a.ts:1: wrong', frame: '> 1 | x\n    | ^' },
      { file: 'b.ts', text: 'b.ts: missing' },
    ];
    const error = new BuildError('a.ts:1: wrong\nb.ts: missing', { hint: 'Mend it.', details: { mistakes } });

    expect(reported(error)).toBe(
      'error[BUILD_FAILED]: a.ts:1: wrong\n\n  > 1 | x\n      | ^\n\nb.ts: missing\nhint: Mend it.\n',
    );
  });

  test('shows what is no Gantry error as an internal one', () => {
    expect(reported(new TypeError('x is not a function'))).toContain('error[INTERNAL]: x is not a function');
    expect(reported('text')).toContain('error[INTERNAL]: text');
  });
});

test('errorJson is one line of JSON', () => {
  const text = errorJson(new NotFoundError('no "shop"\nhere', { hint: 'Deploy it.' }));

  expect(text).not.toContain('\n');
  expect(JSON.parse(text)).toEqual({
    error: { code: 'NOT_FOUND', message: 'no "shop"\nhere', hint: 'Deploy it.' },
  });
});

test.each([
  [new UsageError('unknown flag'), 2],
  [new InvalidError('bad name'), 1],
  [new NotFoundError('no app'), 1],
  [new BuildError('syntax'), 1],
  [new ConnectionError('no server'), 70],
  [new Error('bug'), 70],
])('%s exits with %d', (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});
