import { openBlobStore } from '@gantry/blobs';
import { connectMessaging } from '@gantry/messaging';

import { sweepBlocks } from './block-sweeps.ts';

// A process of its own, to be killed in the middle: node block-sweeps.fixture.ts <nats url> <folder of blobs>
const [url = '', path = ''] = process.argv.slice(2);
const messaging = await connectMessaging({ url, name: 'sweeper' });
const volumeBlobs = await openBlobStore({ type: 'disk', path });
console.log('begins');
console.log(await sweepBlocks({ messaging, volumeBlobs }));
await messaging.close();
