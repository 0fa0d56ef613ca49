import { InvalidError } from '@gantry/protocol';
import { beforeEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { registeredApps } from './registry.ts';
import { Retries } from './retries.ts';

beforeEach(() => {
  registeredApps().length = 0;
});

describe('Retries', () => {
  it('doubles from 1 s to 60 s unless told otherwise', () => {
    expect({ ...new Retries({ maxRetries: 4 }) }).toEqual({
      maxRetries: 4,
      initialDelayMs: 1_000,
      backoffCoefficient: 2,
      maxDelayMs: 60_000,
    });
    expect(new Retries({ maxRetries: 1, initialDelayMs: 0 }).initialDelayMs).toBe(0);
  });

  it('is an option of functions', () => {
    new App('a').function({ retries: new Retries({ maxRetries: 2 }) }, function work() {});
    expect(registeredApps()[0]?.functions[0]?.options.retries).toMatchObject({ maxRetries: 2 });
  });

  it.each([
    [{}, 'needs maxRetries'],
    [{ maxRetries: -1 }, 'from 0 to 10, not -1'],
    [{ maxRetries: 11 }, 'from 0 to 10, not 11'],
    [{ maxRetries: 1.5 }, 'a whole number'],
    [{ maxRetries: 1, backoffCoefficient: 0.5 }, 'from 1 to 10'],
    [{ maxRetries: 1, initialDelayMs: 60_001 }, 'from 0 to 60000'],
    [{ maxRetries: 1, maxDelayMs: 999 }, 'from 1000 to 60000'],
    [{ maxRetries: 1, delay: 5 }, 'there is no option "delay"'],
    [{ maxRetries: 1, maxDelayMs: Number.NaN }, 'not NaN'],
  ])('refuses %j', (policy, message) => {
    expect(() => new Retries(policy as never)).toThrow(InvalidError);
    expect(() => new Retries(policy as never)).toThrow(message);
  });
});
