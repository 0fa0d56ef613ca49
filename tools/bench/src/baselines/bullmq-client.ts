import { Queue, QueueEvents } from 'bullmq';

import { sampleCalls } from '../clients/call-load.ts';

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) };
const queue = new Queue('bench', { connection });
const events = new QueueEvents('bench', { connection });
queue.setMaxListeners(0);
events.setMaxListeners(0);
await events.waitUntilReady();

// Finished jobs are kept for a while: waitUntilFinished fails on a job that is gone already.
const options = { removeOnComplete: { count: 5_000 } };
const call = async (x: number) => {
  const job = await queue.add('double', { x }, options);
  return (await job.waitUntilFinished(events)) as number;
};
console.log(JSON.stringify(await sampleCalls(call)));
process.exit(0);
