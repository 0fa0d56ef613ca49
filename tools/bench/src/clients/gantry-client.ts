import { RemoteFunction } from 'gantry';

import type { double } from '../app/app.ts';
import { sampleCalls } from './call-load.ts';

const remote = RemoteFunction.fromName<typeof double>('bench', 'double');
console.log(JSON.stringify(await sampleCalls((x) => remote.remote(x))));
process.exit(0);
