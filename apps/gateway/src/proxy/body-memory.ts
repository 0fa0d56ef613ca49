import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const COLLECTED_EVERY_BYTES = 2 * 1024 ** 2;

type Collect = (options: { type: 'minor' }) => void;

let collect: Collect | undefined;
let passedBytes = 0;

/**
 * To be told of each piece of a body that is passed on. Pieces lie outside of V8's heap, which therefore looks nearly empty to
 * it: it lets dozens of MiB of them pile up, and then marks the whole heap, which took a third of the gateway's time under a large
 * upload. A collection of what is young, now and then, finds nearly all of them.
 */
export function passedOn(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < COLLECTED_EVERY_BYTES) return;
  passedBytes = 0;
  collect ??= findCollect();
  collect({ type: 'minor' });
}

function findCollect(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
