import { openBlobStore, volumeStoreConfig } from '@gantry/blobs';
import { connectMessaging } from '@gantry/messaging';

import { composeServer } from './composition-root.ts';
import { completeConfig, type ServerConfig } from './config.ts';

export type { ServerConfig } from './config.ts';

/** A server that answers. */
export interface RunningServer {
  /** Base of the API, such as `http://127.0.0.1:7070`. */
  url: string;
  /** Makes what images of Debian begin with, without hurry. False if there was nothing to do. */
  makeBasesAhead(signal: AbortSignal): Promise<boolean>;
  /** Closes sessions, gives up the scheduler's lease and ends. */
  stop(): Promise<void>;
}

/**
 * Starts a control-plane server: the API, and one of the candidates for the scheduler's lease.
 *
 * @throws ConnectionError when NATS cannot be reached, InvalidError for a configuration that makes no sense.
 */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const complete = completeConfig(config);
  const [blobs, volumeBlobs] = await Promise.all([
    openBlobStore(complete.blobs),
    openBlobStore(volumeStoreConfig(complete.blobs)),
  ]);
  const messaging = await connectMessaging({
    rateLimit: config.rateLimit,
    nearby: config.nearby ?? new Map(),
    url: complete.natsUrl,
    name: 'gantry-server',
    onError: (err, context) => complete.log.warn({ err, context }, 'messaging'),
  });
  try {
    await messaging.ensureStreams();
    const server = await composeServer({ config: complete, blobs, volumeBlobs, messaging });
    const url = await server.listen();
    return {
      url,
      makeBasesAhead: (signal) => server.makeBasesAhead(signal),
      stop: async () => {
        await server.stop();
        await messaging.close();
      },
    };
  } catch (error) {
    await messaging.close();
    throw error;
  }
}
