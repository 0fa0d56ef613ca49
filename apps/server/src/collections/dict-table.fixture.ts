import { closeSync, openSync, readSync } from 'node:fs';

import { TableReader } from '@gantry/protocol/dict-table';

type Found = Uint8Array | undefined | 'not valid' | 'closed';

/** What whoever opens a table sees of a key: its value, nothing, or that the table is of no use. */
export function readTable(path: string, key: string): Found {
  const file = openSync(path, 'r');
  try {
    return readOpenTable(file, key);
  } finally {
    closeSync(file);
  }
}

export function readOpenTable(file: number, key: string): Found {
  const found = new TableReader((into, position) => readSync(file, into, 0, into.length, position)).find(key);
  return typeof found === 'object' ? found.value : found;
}
