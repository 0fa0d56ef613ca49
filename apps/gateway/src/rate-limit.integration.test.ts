import { ResourceExhaustedError } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

test('requests above the rate limit are answered with 429 and when to come again', async () => {
  await using platform = await TestPlatform.start();
  const deployed = platform.deploy({ run: () => 'hi' });
  platform.report((await platform.startContainer(deployed)).status);
  platform.admitRequest = () => {
    throw new ResourceExhaustedError('too fast', { details: { retryAfterMs: 1_200 } });
  };

  const answer = await platform.ask(deployed.host);
  expect(answer).toMatchObject({ status: 429, json: { code: 'RESOURCE_EXHAUSTED', message: 'too fast' } });
  expect(answer.headers['retry-after']).toBe('2');
  const page = await platform.ask(deployed.host, { headers: { accept: 'text/html' } });
  expect(page.body).toContain('Too many requests at once');

  platform.admitRequest = () => undefined;
  expect((await platform.ask(deployed.host)).status).toBe(200);
});
