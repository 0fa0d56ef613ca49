import { callSessionKey, idTimeMs, isId, SCHEDULE_SESSION_KEY } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { tickIds } from './tick-ids.ts';

const TICK_MS = Date.UTC(2026, 5, 1, 8);

it('makes proper ids, which tell the tick and belong to the session of schedules', () => {
  const { callId, inputId } = tickIds('fu-1', TICK_MS);
  expect(isId(callId, 'fc')).toBe(true);
  expect(isId(inputId, 'in')).toBe(true);
  expect(idTimeMs(callId)).toBe(TICK_MS);
  expect(callSessionKey(callId)).toBe(SCHEDULE_SESSION_KEY);
});

it('makes the same ids for the same tick, and others for every other', () => {
  expect(tickIds('fu-1', TICK_MS)).toEqual(tickIds('fu-1', TICK_MS));
  const others = [tickIds('fu-2', TICK_MS), tickIds('fu-1', TICK_MS + 1)];
  for (const { callId, inputId } of others) {
    expect(callId).not.toBe(tickIds('fu-1', TICK_MS).callId);
    expect(inputId).not.toBe(tickIds('fu-1', TICK_MS).inputId);
  }
});
