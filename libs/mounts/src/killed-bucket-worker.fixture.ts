import type { BucketToMount } from './bucket-mount.ts';
import { BucketMounts } from './bucket-mounts.ts';

// A worker that mounts a bucket, says where, and waits to be killed.
const [, , folder = '', bucket = ''] = process.argv;
const mounts = new BucketMounts({ folder, warn: console.error });
const { path } = await mounts.open(JSON.parse(bucket) as BucketToMount);
console.log(path);
setInterval(() => undefined, 1_000_000);
