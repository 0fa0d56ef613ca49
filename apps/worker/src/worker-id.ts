import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isId, newId } from '@gantry/protocol';

/** The id of the worker that lives in this folder: the same after a restart. */
export function workerIdIn(folder: string): string {
  const path = join(folder, 'worker-id');
  try {
    const known = readFileSync(path, 'utf8').trim();
    if (isId(known, 'wk')) return known;
  } catch {
    // The first start.
  }
  const id = newId('wk');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${id}\n`);
  return id;
}
