import { expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

test('a container whose socket is known only when it is ready serves requests', async () => {
  await using platform = await TestPlatform.start();
  const deployed = platform.deploy({ run: () => 'hi' });
  const { status } = await platform.startContainer(deployed);
  platform.report({ ...status, state: 'starting', httpSocketPath: '' });
  platform.report(status);

  expect((await platform.ask(deployed.host)).status).toBe(200);
});
