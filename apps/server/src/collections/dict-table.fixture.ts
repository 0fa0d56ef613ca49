import { closeSync, openSync, readSync } from 'node:fs';

import type { Payload } from '@gantry/protocol';
import {
  bucketPosition,
  DICT_TABLE,
  findInBucket,
  machineTimeMs,
  validUntilMs,
} from '@gantry/protocol/dict-table';

/** What whoever reads a table sees of a key: the value, nothing, or that the table is not valid now. */
export function readTable(path: string, key: string): Payload | undefined | 'not valid' {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return 'not valid';
  }
  try {
    return readOpenTable(file, key);
  } finally {
    closeSync(file);
  }
}

export function readOpenTable(file: number, key: string): Payload | undefined | 'not valid' {
  const bucket = new Uint8Array(DICT_TABLE.bucketBytes);
  const header = new Uint8Array(8);
  readSync(file, bucket, 0, bucket.length, bucketPosition(key));
  const length = readSync(file, header, 0, header.length, 0);
  if (validUntilMs(header.subarray(0, length)) < machineTimeMs()) return 'not valid';
  return findInBucket(bucket, key)?.value;
}
