import type { FunctionRecord } from '@gantry/protocol';
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

test('a container is called by its place, from the general to the particular', async () => {
  const sign = vi.fn().mockResolvedValue('signed');
  expect(await new ContainerIdentity({ sign }, silentLog).tokenFor(orderFor({}))).toBe('signed');
  expect(sign).toHaveBeenCalledWith({
    sub: 'gantry:workspace_id:acme:environment_name:main:app_name:shop:function_name:Ocr:container_id:ta-1',
    ...{ workspace_id: 'acme', environment_name: 'main' },
    ...{ app_id: 'ap-1', app_name: 'shop', function_id: 'fu-1', function_name: 'Ocr', container_id: 'ta-1' },
  });
});

test('apps that are only run, and functions that may access nothing, have no token', async () => {
  const sign = vi.fn();
  const identity = new ContainerIdentity({ sign }, silentLog);
  expect(await identity.tokenFor(orderFor({ appName: undefined }))).toBeUndefined();
  expect(await identity.tokenFor(orderFor({}, { restrictAccess: true }))).toBeUndefined();
  expect(sign).not.toHaveBeenCalled();
});

test('a container starts without a token where none can be signed', async () => {
  const sign = vi.fn().mockRejectedValue(new Error('this machine has no key'));
  expect(await new ContainerIdentity({ sign }, silentLog).tokenFor(orderFor({}))).toBeUndefined();
});
