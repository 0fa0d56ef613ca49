import { LIMITS, registryKeys, type WebResultRecord } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { createLogger } from '@gantry/telemetry';
import { sweepWebResults } from './web-result-sweeps.ts';

const log = createLogger({ name: 'server', level: 'silent' });

it('removes answers of web requests that are older than 7 days, and no others', async () => {
  const nowMs = 1_800_000_000_000;
  const record = (ageMs: number): WebResultRecord => ({
    host: 'a.example',
    gatewayId: 'gateway-1',
    createdAtMs: nowMs - ageMs,
  });
  const entries = new Map([
    [registryKeys.webResult('old'), record(LIMITS.outputRetentionMs + 1)],
    [registryKeys.webResult('young'), record(LIMITS.outputRetentionMs)],
  ]);
  const registry = {
    list: async <T>() => [...entries].map(([key, value]) => ({ key, value: value as T })),
    delete: async (key: string) => void entries.delete(key),
  };
  expect(await sweepWebResults({ messaging: { registry }, log }, { nowMs })).toBe(1);
  expect([...entries.keys()]).toEqual([registryKeys.webResult('young')]);
});
