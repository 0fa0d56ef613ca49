import { describe, expect, it } from 'vitest';

import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import * as errors from './errors.ts';
import { GantryError, isGantryError } from './gantry-error.ts';

const { FunctionTimeoutError, GantryTimeoutError, InvalidError, NotFoundError, fromWireError, toWireError } =
  errors;

const classes = Object.values(errors).filter(
  (value): value is typeof NotFoundError =>
    typeof value === 'function' && Object.prototype.isPrototypeOf.call(GantryError, value),
);

describe('every error class', () => {
  it('is there, 25 in all', () => {
    expect(classes).toHaveLength(25);
  });

  it.each(classes.map((errorClass) => [errorClass.errorName, errorClass] as const))(
    '%s survives the wire with code, hint and details',
    (name, errorClass) => {
      const error = new errorClass('what happened', { hint: 'Do this.', details: { of: 'it' } });
      const back = fromWireError(toWireError(error));
      expect(back).toBeInstanceOf(errorClass);
      expect(back).toMatchObject({ name, message: 'what happened', hint: 'Do this.', details: { of: 'it' } });
      expect(back.code).toBe(error.code);
      expect(Object.keys(ERROR_CODES)).toContain(error.code);
    },
  );
});

describe('instanceof', () => {
  it('follows the class hierarchy', () => {
    const error = new FunctionTimeoutError('slow');
    expect(error).toBeInstanceOf(FunctionTimeoutError);
    expect(error).toBeInstanceOf(GantryTimeoutError);
    expect(error).toBeInstanceOf(GantryError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(NotFoundError);
    expect(new GantryTimeoutError('slow')).not.toBeInstanceOf(FunctionTimeoutError);
  });

  it('holds for errors of another copy of the module', () => {
    const brand = Symbol.for('gantry.error');
    const foreign = Object.assign(new Error('elsewhere'), { [brand]: ['NotFoundError', 'GantryError'] });
    expect(foreign).toBeInstanceOf(NotFoundError);
    expect(foreign).not.toBeInstanceOf(InvalidError);
    expect(new Error('plain')).not.toBeInstanceOf(GantryError);
    expect({ [brand]: ['GantryError'] }).not.toBeInstanceOf(GantryError);
  });

  it('narrows by code', () => {
    const error: unknown = new NotFoundError('no app "x"');
    expect(isGantryError(error)).toBe(true);
    expect(isGantryError(error, 'NOT_FOUND')).toBe(true);
    expect(isGantryError(error, 'CONFLICT')).toBe(false);
    expect(isGantryError('text')).toBe(false);
  });
});

describe('on the wire', () => {
  it('an error that is none of ours does not tell its message', () => {
    const wire = toWireError(new TypeError('a path on the server'));
    expect(wire).toMatchObject({ name: 'ExecutionError', code: 'INTERNAL' });
    expect(JSON.stringify(wire)).not.toContain('a path on the server');
  });

  it('an error of an unknown name keeps its code', () => {
    const back = fromWireError({ name: 'FutureError', code: 'CONFLICT', message: 'later' });
    expect(back).toBeInstanceOf(GantryError);
    expect(back).toMatchObject({ code: 'CONFLICT', message: 'later', httpStatus: 409 });
  });

  it('every code says its status, whether to retry, and who must act', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const error = new GantryError(code, 'x');
      expect(error.httpStatus).toBeGreaterThanOrEqual(400);
      expect(error.httpStatus).toBeLessThan(600);
      expect(['caller', 'function', 'platform']).toContain(error.blame);
      expect(typeof error.retryable).toBe('boolean');
    }
  });
});
