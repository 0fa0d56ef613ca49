import { FunctionTimeoutError, InvalidError, NotFoundError, RemoteError } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { toFailure } from './failure.ts';

describe('toFailure', () => {
  test('gives errors of the platform the status of their code', () => {
    expect(toFailure(new InvalidError('bad "x"', { hint: 'Pass y.' }))).toEqual({
      status: 400,
      body: { detail: 'bad "x"', code: 'INVALID_ARGUMENT', hint: 'Pass y.' },
    });
    expect(toFailure(new NotFoundError('gone')).status).toBe(404);
    expect(toFailure(new FunctionTimeoutError('late')).status).toBe(504);
  });

  test('lets an error choose a 4xx status, under either name', () => {
    expect(toFailure(Object.assign(new Error('teapot'), { status: 418 }))).toEqual({
      status: 418,
      body: { detail: 'teapot' },
    });
    expect(toFailure(Object.assign(new Error('x'), { statusCode: 404, detail: { id: 7 } })).body).toEqual({
      detail: { id: 7 },
    });
  });

  test('hides every other error from the client', () => {
    for (const error of [
      new Error('password is hunter2'),
      new RemoteError('secret stack'),
      Object.assign(new Error('x'), { status: 503 }),
      Object.assign(new Error('x'), { status: 'ok' }),
      'text',
      null,
    ]) {
      expect(toFailure(error)).toEqual({
        status: 500,
        body: { detail: 'Internal Server Error' },
        unexpected: true,
      });
    }
  });
});
