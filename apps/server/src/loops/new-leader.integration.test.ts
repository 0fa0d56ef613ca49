import type { ParameterSpec } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { expect, it } from 'vitest';

import { fn, manifest, TestClient } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

it('a new leader replaces idle containers of a class with parameters by those of a new version', async () => {
  const platform = await TestPlatform.start();
  const lang: ParameterSpec = { name: 'lang', type: { type: 'string' }, optional: false };
  const specs = [{ ...fn('Ocr'), parameters: [lang] }];
  const { functionId, appName } = await platform.deployFresh(specs);
  const session = await platform.client.session();
  session.submit(functionId, [1], { parameters: { lang: 'deu' } });
  await session.waitFor('output');
  session.close();
  const [old] = [...platform.worker.containers.values()];

  const next = await platform.startAnotherServer();
  await platform.server.stop();
  platform.server = next;
  const reply = await new TestClient(next.url).deploy({ manifest: manifest(specs, { appName }) });
  expect(reply.json['version']).toBe(2);

  const replaced = () =>
    platform.worker.commands.some(
      (command) =>
        command.type === 'start' &&
        command.pool === old?.pool &&
        command.record.version === 2 &&
        command.parameters['lang'] === 'deu',
    );
  await waitUntil(replaced, { timeoutMs: 20_000, what: 'a container of version 2' });
  await waitUntil(() => !platform.worker.containers.has(old?.containerId ?? ''), {
    what: 'the end of version 1',
  });
  await platform.stop();
});
