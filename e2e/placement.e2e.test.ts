import { join } from 'node:path';

import { RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { Platform } from './platform.ts';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatformWith(join(import.meta.dirname, 'placement/restricted-app.ts'));
});

afterAll(() => platform[Symbol.asyncDispose]());

describe('code with restrictAccess', () => {
  test('runs, may hold handles, and cannot use any object of the platform', async () => {
    const double = RemoteFunction.fromName<(x: number) => number>('restricted', 'double');
    const earlier = await double.spawn(4);
    await earlier.get();
    const attempts = RemoteFunction.fromName<(...args: unknown[]) => Record<string, string>>(
      'restricted',
      'attempts',
    );

    const ends = await attempts.remote(double, earlier.objectId);
    expect(Object.keys(ends)).toHaveLength(9);
    for (const [attempt, end] of Object.entries(ends)) {
      expect(end, attempt).toContain('AuthError: the option "restrictAccess" keeps this code from');
    }
  });
});
