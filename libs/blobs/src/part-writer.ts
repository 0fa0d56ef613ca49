import { hash } from 'node:crypto';
import { closeSync, constants, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

import type { PartAnswer, PartOrder } from './part-writers.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_DIRECT = 0 } = constants;
const WASM_PAGE_BYTES = 64 * 1024;
/** Of whatever a disk wants the length of a direct write to be a multiple of. */
const DISK_PAGE_BYTES = 4096;
/** What file systems answer that have no such writes, or other rules for them. */
const NOT_DIRECT = new Set(['EINVAL', 'EOPNOTSUPP']);

// Node has it, and no types of it.
declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

// The program of one thread of PartWriters. It reads and writes files itself, with one buffer for all of them.

const buffer = pageAligned((workerData as { partBytes: number }).partBytes);
let isDirect = O_DIRECT !== 0;

parentPort?.on('message', (order: PartOrder) => parentPort?.postMessage(answerTo(order)));

function answerTo({ id, ...order }: PartOrder): PartAnswer {
  try {
    const part = buffer.subarray(0, readPart(order));
    const digest = `sha256-${hash('sha256', part)}`;
    writeNew(order.path, part);
    return { id, stored: { digest, sizeBytes: part.length } };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return { id, error: { message, code } };
  }
}

/** Shorter if the file is. */
function readPart({ fd, start, length }: Omit<PartOrder, 'id'>): number {
  let filled = 0;
  while (filled < length) {
    const bytesRead = readSync(fd, buffer, filled, length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** Past the memory of the kernel where that can be: it has the bytes already, in the file that they come from. */
function writeNew(path: string, part: Uint8Array): void {
  if (isDirect && part.length > 0 && part.length % DISK_PAGE_BYTES === 0) {
    try {
      return writeTo(openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_DIRECT), part);
    } catch (error) {
      if (!NOT_DIRECT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      isDirect = false;
      rmSync(path, { force: true });
    }
  }
  writeTo(openSync(path, O_WRONLY | O_CREAT | O_EXCL), part);
}

function writeTo(file: number, part: Uint8Array): void {
  try {
    for (let at = 0; at < part.length;) at += writeSync(file, part, at);
  } finally {
    closeSync(file);
  }
}

/** A buffer that a disk can read from by itself, since it begins with a page: memory of WebAssembly does. */
function pageAligned(bytes: number): Uint8Array {
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
  return new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer, 0, bytes);
}
