import { Worker } from 'bullmq';

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) };
const worker = new Worker('bench', async (job) => (job.data as { x: number }).x * 2, {
  connection,
  concurrency: 500,
});
await worker.waitUntilReady();
console.log('ready');
