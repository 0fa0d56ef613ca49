import { Agent, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';

import type { FunctionSpec } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

import { ContainerSocket } from '../container-socket.ts';
import { startWebServer } from './web-server.ts';

const SITE = { file: 'shop.ts', line: 1 };
const SPEC: FunctionSpec = {
  name: 'shop',
  kind: 'function',
  site: SITE,
  options: {},
  methods: [
    {
      name: '',
      handlerKind: 'async',
      callable: true,
      params: [],
      web: { type: 'endpoint', method: 'POST', docs: false },
      site: SITE,
    },
  ],
  parameters: [],
  hooks: { enter: [], exit: [] },
};

test('a server that closes still answers what a gateway sends before it knows, also on kept connections', async () => {
  await using directory = await temporaryDirectory();
  const socketPath = join(directory.path, 'web.sock');
  const server = await startWebServer({
    socket: new ContainerSocket(socketPath),
    spec: SPEC,
    resolveHandler: () => ({
      paramTypes: [],
      call: () => 'answered',
    }),
    admit: async () => () => undefined,
    onUnexpectedError: () => undefined,
    makeApp: () => undefined,
    onLost: () => undefined,
    runAs: (_input, work) => work(),
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const post = () =>
    new Promise<string>((resolve, reject) => {
      const request = httpRequest({ socketPath, agent, method: 'POST', headers: { 'gantry-method': '' } });
      request.once('response', (response) => void text(response).then(resolve, reject));
      request.once('error', reject);
      request.end();
    });
  expect(await post()).toBe('"answered"');

  const closed = server.close();
  expect(await post()).toBe('"answered"');
  await closed;

  await expect(post()).rejects.toThrow();
  agent.destroy();
});
