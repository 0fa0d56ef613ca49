import { Queue, QueueEvents } from 'bullmq';

import { MAP_IN_FLIGHT, sampleMaps } from '../clients/map-load.ts';

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) };
const queue = new Queue('bench', { connection });
const events = new QueueEvents('bench', { connection, lastEventId: '0-0' });
await events.waitUntilReady();

const BULK = 100;

// The quickest way that BullMQ offers: jobs are added in bulk, one listener takes all results, and finished jobs
// are not kept. Results are summed in the order in which they come.
function mapAll(inputs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let added = 0;
    let completed = 0;
    let sum = 0;
    const addMore = (): void => {
      while (added < inputs && added - completed <= MAP_IN_FLIGHT - BULK) {
        const jobs = Array.from({ length: Math.min(BULK, inputs - added) }, (_, i) => ({
          name: 'double',
          data: { x: added + i },
          opts: { removeOnComplete: true },
        }));
        added += jobs.length;
        queue.addBulk(jobs).catch(reject);
      }
    };
    const onCompleted = ({ returnvalue }: { returnvalue: unknown }): void => {
      completed++;
      sum += Number(returnvalue);
      addMore();
      if (completed < inputs) return;
      events.off('completed', onCompleted);
      resolve(sum);
    };
    events.on('completed', onCompleted);
    addMore();
  });
}

console.log(JSON.stringify(await sampleMaps(mapAll)));
process.exit(0);
