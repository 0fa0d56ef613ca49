import { openBlobStore } from '@gantry/blobs';
import { connectMessaging } from '@gantry/messaging';
import { createLogger } from '@gantry/telemetry';

import { sweepValues } from './value-sweeps.ts';

// A process of its own, to be killed in the middle: node value-sweeps.fixture.ts <nats url> <folder of blobs>
const [url = '', path = ''] = process.argv.slice(2);
const messaging = await connectMessaging({ url, name: 'sweeper' });
const blobs = await openBlobStore({ type: 'disk', path });
const log = createLogger({ name: 'sweeper', level: 'silent' });
const removed = await sweepValues({ messaging, blobs, log }, { nowMs: Date.now() });
console.log(removed);
await messaging.close();
