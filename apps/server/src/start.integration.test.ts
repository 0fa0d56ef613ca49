import { afterAll, beforeAll, expect, it } from 'vitest';

import { TestClient } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

it('a server that starts asks the workers how they are, and schedules without waiting for their heartbeat', async () => {
  const { functionId, appId } = await platform.deployFresh();
  await platform.server.stop();
  // From here on the worker reports only when it is asked.
  platform.worker.silence();
  platform.server = await platform.startAnotherServer();
  platform.client = new TestClient(platform.server.url);
  const session = await platform.client.session();
  session.submit(functionId, [1]);
  await session.waitFor('output');
  const logs = await platform.client.request('GET', `/v1/apps/${appId}/logs`);
  expect(logs.text).not.toMatch(/no machine has room|no worker is connected/);
  session.close();
});
