import type { FunctionRecord } from '@gantry/protocol';
import { ANY_ENVIRONMENT } from '@gantry/testing';
import { expect, test, vi } from 'vitest';

import { silentLog } from '../inputs/input-doubles.ts';
import { ContainerIdentity } from './container-identity.ts';

function orderFor(changes: Partial<FunctionRecord>, options: object = {}) {
  const record = {
    ...{ id: 'fu-1', appId: 'ap-1', appName: 'shop', environment: 'main', workspace: 'acme' },
    spec: { name: 'Ocr', options },
    ...changes,
  } as unknown as FunctionRecord;
  return { containerId: 'ta-1', pool: 'fu-1', parameters: {}, record };
}

const DAY_MS = 24 * 3600 * 1000;

function identityWith(sign: () => Promise<string>): ContainerIdentity {
  const environments = { ...ANY_ENVIRONMENT, nameOf: () => 'live' };
  return new ContainerIdentity({ keys: { sign }, environments, log: silentLog, tokenMs: 2 * DAY_MS });
}

test('a container is called by its place, from the general to the particular', async () => {
  const sign = vi.fn().mockResolvedValue('signed');
  expect(await identityWith(sign).tokenFor(orderFor({}))).toBe('signed');
  expect(sign).toHaveBeenCalledWith({
    sub: 'gantry:workspace_id:acme:environment_name:live:app_name:shop:function_name:Ocr:container_id:ta-1',
    ...{ workspace_id: 'acme', environment_name: 'live' },
    ...{ app_id: 'ap-1', app_name: 'shop', function_id: 'fu-1', function_name: 'Ocr', container_id: 'ta-1' },
  });
});

test('apps that are only run, and functions that may access nothing, have no token', async () => {
  const sign = vi.fn();
  const identity = identityWith(sign);
  expect(await identity.tokenFor(orderFor({ appName: undefined }))).toBeUndefined();
  expect(await identity.tokenFor(orderFor({}, { restrictAccess: true }))).toBeUndefined();
  expect(sign).not.toHaveBeenCalled();
});

test('a container starts without a token where none can be signed', async () => {
  const sign = vi.fn().mockRejectedValue(new Error('this machine has no key'));
  expect(await identityWith(sign).tokenFor(orderFor({}))).toBeUndefined();
});

test('a token is followed by another after half of its life, or as soon as one can be signed then', async () => {
  vi.useFakeTimers();
  try {
    const sign = vi.fn().mockRejectedValueOnce(new Error('no key')).mockImplementation(signed);
    const tokens: string[] = [];
    const stop = identityWith(sign).renew(orderFor({}), (token) => tokens.push(token));
    await vi.advanceTimersByTimeAsync(DAY_MS - 1);
    expect(sign).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(tokens).toEqual([]);
    await vi.advanceTimersByTimeAsync(DAY_MS / 24);
    expect(tokens).toEqual(['2 calls']);
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(tokens).toEqual(['2 calls', '3 calls']);
    stop();
    await vi.advanceTimersByTimeAsync(9 * DAY_MS);
    expect(tokens).toHaveLength(2);

    function signed(): Promise<string> {
      return Promise.resolve(`${sign.mock.calls.length} calls`);
    }
  } finally {
    vi.useRealTimers();
  }
});
