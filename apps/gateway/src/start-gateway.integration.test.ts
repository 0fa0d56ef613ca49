import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { BytePipe, connectMessaging } from '@gantry/messaging';
import { joinStreams, registryKeys, subjects, type DemandMessage, type RouteRecord } from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { startNats, temporaryDirectory, waitUntil } from '@gantry/testing';
import { expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';
import { startGateway } from './main.ts';

test.each([
  { where: 'on its own machine', isElsewhere: false },
  { where: 'on another machine', isElsewhere: true },
])('a gateway on NATS serves what the registry and the workers tell it, $where', async ({ isElsewhere }) => {
  await using nats = await startNats();
  await using directory = await temporaryDirectory();
  // Only its container is used: records, routes and broadcasts travel over NATS here.
  await using platform = await TestPlatform.start();
  const deployed = platform.deploy({ run: () => 'over NATS' });
  const container = await platform.startContainer(deployed);
  const gateway = await startGateway({
    natsUrl: nats.url,
    dataDir: directory.path,
    blobs: { type: 'disk', path: join(directory.path, 'blobs') },
    host: '127.0.0.1',
    port: 0,
    domain: 'gantry.localhost',
    workspace: 'local',
    log: createLogger({ name: 'gateway', level: 'silent' }),
  });
  const messaging = await connectMessaging({ url: nats.url, name: 'test' });
  const { host, record } = deployed;
  const ca = await readFile(gateway.caPath, 'utf8');
  const ask = async () => {
    const sent = request({
      host: '127.0.0.1',
      port: new URL(gateway.url).port,
      servername: host,
      headers: { host },
      ca,
    });
    const answer = new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => {
        text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
      });
    });
    sent.end();
    return answer;
  };
  try {
    expect((await ask()).status).toBe(404);
    const route: RouteRecord = {
      host,
      functionId: record.id,
      appId: 'ap',
      method: '',
      ephemeral: false,
      createdAtMs: 0,
    };
    await messaging.registry.put(registryKeys.function(record.id), record);
    await messaging.registry.put(registryKeys.route(host), route);
    const demands: DemandMessage[] = [];
    messaging.subscribe<DemandMessage>(subjects.demand, (demand) => {
      demands.push(demand);
      messaging.publish(subjects.workerStatus, {
        workerId: 'wk-1',
        hostname: 'here',
        startedAtMs: 1,
        draining: false,
        capacity: { cpu: 1, memoryMiB: 1 },
        containers: [{ ...container.status, ...(isElsewhere && { httpSocketPath: '/elsewhere.sock' }) }],
      });
    });
    messaging.respond(subjects.worker('wk-1'), async ({ pipeId }: { pipeId: string }) => {
      const inside = connect({ path: container.status.httpSocketPath, allowHalfOpen: true });
      joinStreams(new BytePipe({ messaging, pipeId, side: 'worker' }), inside);
      return { ok: true };
    });
    await waitUntil(async () => (await ask()).status === 200);
    expect((await ask()).body).toBe('"over NATS"');
    expect(demands[0]).toMatchObject({ pool: record.id, waitingRequests: 1 });
    await messaging.registry.put(registryKeys.function(record.id), { ...record, stopped: true });
    await waitUntil(async () => (await ask()).status === 503);
  } finally {
    await gateway.stop();
    await messaging.close();
  }
});
