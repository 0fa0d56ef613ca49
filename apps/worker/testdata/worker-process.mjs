// A worker as a process of its own, for tests that kill or pause it.
import { createLogger } from '@gantry/telemetry';

import { startWorker } from '../src/main.ts';

const config = JSON.parse(process.argv[2]);
const worker = await startWorker({ ...config, log: createLogger({ name: 'worker', level: 'warn' }) });
console.log(worker.workerId);
process.once('SIGTERM', () => worker.stop().then(() => process.exit(0)));
