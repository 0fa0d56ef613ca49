import type { FunctionRecord } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { loadMessage } from './load-message.ts';

function envOf(
  changes: Partial<FunctionRecord>,
  more: Partial<Parameters<typeof loadMessage>[1]> = {},
): Record<string, string> {
  const record = {
    ...{ id: 'fu-1', appId: 'ap-1', environment: 'main', urls: {} },
    spec: {
      name: 'f',
      options: {
        env: {
          GANTRY_IMAGE_ID: 'forged',
          GANTRY_IDENTITY_TOKEN_FILE: '/forged',
          GANTRY_PRIVATE_ADDRESS: '::1',
          MINE: 'kept',
        },
      },
    },
    ...changes,
  } as unknown as FunctionRecord;
  const place = { bundlePath: '/b', maxInputs: 1, secrets: {}, ...more } as Parameters<typeof loadMessage>[1];
  return loadMessage({ containerId: 'ta-1', pool: 'fu-1', parameters: {}, record }, place).env;
}

test('a container with a built image is told which, and one without is told nothing', () => {
  const built = envOf({ image: { id: 'im-1', files: [] } });
  expect(built).toMatchObject({ GANTRY_IMAGE_ID: 'im-1', MINE: 'kept' });
  expect(envOf({ image: { files: [] } })).not.toHaveProperty('GANTRY_IMAGE_ID');
  expect(envOf({})).not.toHaveProperty('GANTRY_IMAGE_ID');
});

test('a container with an identity is told its token and where the newest one is; one without is told nothing', () => {
  expect(envOf({}, { identity: { token: 'signed', path: '/run/token' } })).toMatchObject({
    GANTRY_IDENTITY_TOKEN: 'signed',
    GANTRY_IDENTITY_TOKEN_FILE: '/run/token',
  });
  expect(envOf({})).not.toHaveProperty('GANTRY_IDENTITY_TOKEN_FILE');
});

test('a container with a private network is told its address, and one without is told nothing', () => {
  expect(envOf({}, { privateAddress: 'fdaa::1' })['GANTRY_PRIVATE_ADDRESS']).toBe('fdaa::1');
  expect(envOf({})).not.toHaveProperty('GANTRY_PRIVATE_ADDRESS');
});
