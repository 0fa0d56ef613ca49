import { RemoteFunction } from 'gantry';

import type { double } from '../app/app.ts';
import { sampleMaps } from './map-load.ts';

const remote = RemoteFunction.fromName<typeof double>('bench', 'double');

function* upTo(count: number): Generator<number> {
  for (let x = 0; x < count; x++) yield x;
}

const rounds = await sampleMaps(async (inputs) => {
  let sum = 0;
  for await (const result of remote.map(upTo(inputs))) sum += result;
  return sum;
});
console.log(JSON.stringify(rounds));
process.exit(0);
