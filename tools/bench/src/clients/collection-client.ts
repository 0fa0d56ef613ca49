import { RemoteFunction } from 'gantry';

import type { gantry, redis } from '../app/collections-app.ts';
import type { StoreLoad } from './collection-load.ts';

const load = JSON.parse(process.env['LOAD'] ?? '{}') as StoreLoad;
const port = Number(process.env['REDIS_PORT']);
const theirs = await RemoteFunction.fromName<typeof redis>('bench-collections', 'redis').remote(port, load);
const ours = await RemoteFunction.fromName<typeof gantry>('bench-collections', 'gantry').remote(load);
console.log(JSON.stringify({ gantry: ours, redis: theirs }));
process.exit(0);
