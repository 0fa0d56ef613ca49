import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { connectMessaging, type Messaging } from '@gantry/messaging';
import { createLogger } from '@gantry/telemetry';
import { startNats, temporaryDirectory } from '@gantry/testing';

import { type RunningGateway, startGateway } from './main.ts';

/** A gateway on a real nats-server, and the connection of a worker that a test plays. */
export interface GatewayOverNats extends AsyncDisposable {
  gateway: RunningGateway;
  messaging: Messaging;
  /** The certificate authority of the gateway, PEM. */
  ca: string;
  /** Of the gateway, and for what the test needs. */
  folder: string;
}

export async function startGatewayOverNats(): Promise<GatewayOverNats> {
  await using starting = new AsyncDisposableStack();
  const nats = starting.use(await startNats());
  const folder = starting.use(await temporaryDirectory()).path;
  const gateway = await startGateway({
    ...{ natsUrl: nats.url, dataDir: folder, host: '127.0.0.1', port: 0, domain: 'gantry.localhost' },
    ...{ workspace: 'local', drainMs: 200, blobs: { type: 'disk', path: join(folder, 'blobs') } },
    log: createLogger({ name: 'gateway', level: 'silent' }),
  });
  starting.defer(() => gateway.stop());
  const ca = await readFile(gateway.caPath, 'utf8');
  const messaging = await connectMessaging({ url: nats.url, name: 'worker' });
  starting.defer(() => messaging.close());
  const started = starting.move();
  return { gateway, messaging, ca, folder, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
