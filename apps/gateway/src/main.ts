import { openBlobStore } from '@gantry/blobs';
import { connectMessaging, FunctionDirectory } from '@gantry/messaging';

import { openGateway, type RunningGateway } from './composition-root.ts';
import { checkConfig, type GatewayConfig } from './config.ts';

export type { GatewayConfig } from './config.ts';
export type { RunningGateway } from './composition-root.ts';

/**
 * Starts the public HTTPS edge of a platform.
 *
 * @throws InvalidError on a wrong configuration, ConnectionError when NATS cannot be reached.
 */
export async function startGateway(config: GatewayConfig): Promise<RunningGateway> {
  checkConfig(config);
  const { natsUrl, rateLimit } = config;
  const messaging = await connectMessaging({ url: natsUrl, name: 'gateway', rateLimit });
  try {
    await messaging.ensureStreams();
    const blobs = await openBlobStore(config.blobs);
    const functions = await FunctionDirectory.open(messaging);
    const gateway = await openGateway({ config, messaging, functions, blobs });
    config.log.info({ url: gateway.url }, 'gateway is listening');
    return {
      ...gateway,
      async stop() {
        await gateway.stop();
        functions.close();
        await messaging.close();
      },
    };
  } catch (error) {
    await messaging.close();
    throw error;
  }
}
