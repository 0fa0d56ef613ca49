import { InvalidError } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkConcurrentOptions, checkResourceOptions } from './option-checks.ts';

function refusal(options: object): string {
  try {
    checkResourceOptions('function "f"', options);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidError);
    return (error as Error).message;
  }
  return 'accepted';
}

describe('resource options', () => {
  it('at both ends of their ranges are accepted', () => {
    expect(
      refusal({
        name: 'f',
        timeoutMs: 10,
        startupTimeoutMs: 24 * 3600 * 1000,
        minContainers: 0,
        maxContainers: 1,
        bufferContainers: 0,
        scaledownWindowMs: 2_000,
        cpu: [0.5, 2],
        memoryMiB: 1,
        retries: { maxRetries: 10, initialDelayMs: 0, backoffCoefficient: 10, maxDelayMs: 1_000 },
        env: { LOG_LEVEL: 'debug' },
        gpu: ['h100:8', 'any'],
        ephemeralDiskMiB: 3_145_728,
        region: ['us', 'eu-west-1'],
        cloud: 'aws',
        nonpreemptible: true,
        blockNetwork: false,
        privateNetwork: true,
        restrictAccess: true,
      }),
    ).toBe('accepted');
  });

  it.each([
    [{ timeoutMs: 9 }, 'timeoutMs must be a number from 10 to 86400000, not 9'],
    [{ timeoutMs: '10' }, 'timeoutMs must be a number'],
    [{ gpu: 'H100:9' }, 'gpu: "H100:9": a container has from 1 to 8 GPUs'],
    [{ gpu: ['A100', 'two words'] }, 'gpu: "two words" names no GPU'],
    [{ gpu: [] }, 'gpu must not be an empty list'],
    [{ ephemeralDiskMiB: 3_145_729 }, 'ephemeralDiskMiB must be a whole number from 1 to 3145728'],
    [{ region: 'a b' }, 'region: "a b" is no label of workers'],
    [{ cloud: 7 }, 'cloud: 7 is no label of workers'],
    [{ blockNetwork: 1 }, 'blockNetwork must be true or false'],
    [{ privateNetwork: 'fdaa::/16' }, 'privateNetwork must be true or false'],
    [{ timeoutMs: NaN }, 'timeoutMs must be a number'],
    [{ minContainers: -1 }, 'minContainers must be a whole number of at least 0'],
    [{ minContainers: 1.5 }, 'minContainers must be a whole number'],
    [{ maxContainers: 0 }, 'maxContainers must be a whole number of at least 1'],
    [{ minContainers: 3, maxContainers: 2 }, 'minContainers (3) is above maxContainers (2)'],
    [{ scaledownWindowMs: 1_999 }, 'scaledownWindowMs must be a number from 2000 to 1200000'],
    [{ cpu: 0 }, 'cpu must be a number of at least 0.001'],
    [{ cpu: [2, 1] }, 'the request (2) is above the limit (1)'],
    [{ memoryMiB: [1] }, 'memoryMiB must be a number or [request, limit]'],
    [{ retries: 11 }, 'maxRetries must be a whole number from 0 to 10, not 11'],
    [{ retries: {} }, 'retries needs maxRetries'],
    [{ retries: { maxRetries: 1, maxDelayMs: 999 } }, 'maxDelayMs must be a number from 1000 to 60000'],
    [{ env: { 'A-B': 'x' } }, '"A-B" is no valid environment variable'],
    [{ env: { GANTRY_TOKEN: 'x' } }, '"GANTRY_TOKEN" is reserved'],
    [{ timeout: 5 }, 'there is no option "timeout"'],
  ])('out of range are refused by name: %j', (options, message) => {
    expect(refusal(options)).toContain(message);
    expect(refusal(options)).toContain('function "f"');
  });

  it.each([
    ['timeout', 'timeoutMs'],
    ['memory', 'memoryMiB'],
    ['scaledownWindow', 'scaledownWindowMs'],
    ['mincontainers', 'minContainers'],
  ])('that are misspelt are named as they are spelt: %s', (option, expected) => {
    expect(() => checkResourceOptions('function "f"', { [option]: 5 })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(`Did you mean "${expected}"? `) as string }),
    );
  });

  it('of any size between the bounds are accepted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 86_400_000 }), fc.nat(), fc.nat(), (timeoutMs, a, b) => {
        const [minContainers, maxContainers] = [Math.min(a, b), Math.max(a, b, 1)];
        expect(refusal({ timeoutMs, minContainers, maxContainers })).toBe('accepted');
      }),
    );
  });
});

describe('other options', () => {
  it('of @concurrent keep the target between 1 and the maximum', () => {
    expect(() => checkConcurrentOptions({ maxInputs: 2, targetInputs: 3 })).toThrow(
      '(3) is above maxInputs (2)',
    );
    expect(() => checkConcurrentOptions({ maxInputs: 0 })).toThrow(
      'maxInputs must be a whole number of at least 1',
    );
    expect(() => checkConcurrentOptions({} as never)).toThrow('needs maxInputs');
  });
});
