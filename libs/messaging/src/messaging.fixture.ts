import { startNats, type TestNats } from '@gantry/testing';

import { connectMessaging, type Messaging } from './messaging.ts';

/** A connection to a nats-server of its own, with the streams of a platform. Disposed with the server. */
export interface OwnMessaging extends AsyncDisposable {
  nats: TestNats;
  messaging: Messaging;
}

export async function startMessaging(): Promise<OwnMessaging> {
  const nats = await startNats();
  const messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await messaging.ensureStreams();
  return {
    nats,
    messaging,
    [Symbol.asyncDispose]: async () => {
      await messaging.close();
      await nats.stop();
    },
  };
}
