import { openBlobStore } from '@gantry/blobs';
import { connectMessaging } from '@gantry/messaging';
import { createLogger } from '@gantry/telemetry';
import { ANY_ENVIRONMENT, actAs } from '@gantry/testing';

import { CollectionKeeper } from './collection-keeper.ts';
import { takeOne } from './taken-item.fixture.ts';

/** Journals are written again and trimmed many times before their keeper is killed. */
const TICK_MS = 20;

export interface KeeperSetup {
  natsUrl: string;
  folder: string;
}

export type KeeperRequest =
  /** Keeps dicts and queues from now on, for as long as it is said to. */
  | { do: 'lead'; untilMs: number }
  /** Until when it surely leads, by the clock of the machine. */
  | { do: 'hold'; untilMs: number }
  /** Takes an item, as the library in a program does; resolves to what is this program's. */
  | { do: 'take'; id: string };

// A server that may lead, or a program that takes items, to be killed or paused in the middle of it.
await actAs<KeeperSetup, KeeperRequest>(async ({ natsUrl, folder }) => {
  const messaging = await connectMessaging({ url: natsUrl, name: 'keeper' });
  const blobs = await openBlobStore({ type: 'disk', path: folder });
  const log = createLogger({ name: 'keeper', level: 'silent' });
  let leadsUntilMs = 0;
  const leadership = {
    get fence() {
      return Date.now() < leadsUntilMs ? 1 : undefined;
    },
  };
  let keeper: CollectionKeeper | undefined;
  return async (request) => {
    switch (request.do) {
      case 'lead':
        leadsUntilMs = request.untilMs;
        keeper ??= new CollectionKeeper({
          ...{ messaging, blobs, leadership, log, environments: ANY_ENVIRONMENT },
          tickMs: TICK_MS,
        });
        return await messaging.flush();
      case 'hold':
        return void (leadsUntilMs = request.untilMs);
      case 'take':
        return await takeOne(messaging, request.id);
    }
  };
});
