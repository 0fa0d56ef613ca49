import { once } from 'node:events';
import { connect } from 'node:tls';

import { expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

test('domains of the user get certificates of their own when first asked for, one for a whole wildcard', async () => {
  await using platform = await TestPlatform.start();
  const { host, record } = await platform.serve({ run: () => 'hi' });
  const route = { functionId: record.id, appId: 'ap-test', method: '', ephemeral: false, createdAtMs: 0 };
  for (const domain of ['example.test', 'api.example.test', '*.shop.example.test']) {
    platform.setRoute({ ...route, host: domain });
  }
  const certified = async (servername: string): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port: platform.port, servername, ca: platform.ca });
    await once(socket, 'secureConnect');
    const names = socket.getPeerCertificate().subjectaltname ?? '';
    socket.destroy();
    return names;
  };
  expect(await certified('example.test')).toBe('DNS:example.test');
  expect(await certified('api.example.test')).toBe('DNS:api.example.test');
  for (const name of ['a.shop.example.test', 'b.shop.example.test']) {
    expect(await certified(name)).toBe('DNS:*.shop.example.test');
    expect((await platform.ask(name)).json).toBe('hi');
  }
  expect((await platform.ask('example.test')).json).toBe('hi');
  expect((await platform.ask(host)).json).toBe('hi');
  await expect(certified('other.test')).rejects.toThrow();
});
