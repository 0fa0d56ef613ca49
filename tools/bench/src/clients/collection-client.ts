import { Cls } from 'gantry';

import type { Collections } from '../app/collections-app.ts';
import type { StoreLoad } from './collection-load.ts';

// Asks the container for its network, or has it measure, and prints what it says.
const found = await Cls.fromName<typeof Collections>('bench-collections', 'Collections');
const container = found.instance();
const load = JSON.parse(process.env['LOAD'] ?? 'null') as StoreLoad | null;
const port = Number(process.env['REDIS_PORT']);
const answer = load ? await container.sample.remote(port, load) : await container.network.remote();
console.log(JSON.stringify(answer));
process.exit(0);
