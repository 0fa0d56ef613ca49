import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { FunctionCall, RemoteFunction } from 'gantry';

import type { parse, print } from './jobs.ts';
import { makeOrder, totalOf } from './order.ts';
import type { Receipt } from './receipt.ts';

/** What is left to collect: call ids, by the number of the order. */
type Jobs = Record<number, string>;

/** Prints receipts and sends each to be read. Nobody needs to wait for the results here. */
async function submit(receipts: number): Promise<Jobs> {
  const orders = Array.from({ length: receipts }, (_, number) => makeOrder(number));
  const jobs: Jobs = {};
  const read = RemoteFunction.fromName<typeof parse>('ocr-jobs', 'parse');
  for await (const picture of RemoteFunction.fromName<typeof print>('ocr-jobs', 'print').map(orders)) {
    const number = Object.keys(jobs).length;
    // The third fails at its first attempt, and is tried again.
    jobs[number] = (await read.spawn(picture, number === 2)).id;
  }
  return jobs;
}

/** Compares what was read with what was printed. Returns how many are right. */
async function collect(jobs: Jobs): Promise<number> {
  let right = 0;
  for (const [number, id] of Object.entries(jobs)) {
    const order = makeOrder(Number(number));
    const receipt = await FunctionCall.fromId<Receipt>(id).get({ timeoutMs: 120_000 });
    const isRight = receipt.total === totalOf(order) / 100 && receipt.shop === order.shop;
    console.log(`${isRight ? 'right' : 'WRONG'}: ${receipt.shop ?? '?'}, total ${receipt.total ?? '?'}`);
    if (isRight) right++;
  }
  return right;
}

/** A program that may end at any time: started again, it goes on with the calls that its file names. */
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      receipts: { type: 'string', default: '10' },
      jobs: { type: 'string', default: 'jobs.json' },
      'only-submit': { type: 'boolean', default: false },
    },
  });
  if (!existsSync(values.jobs)) {
    const jobs = await submit(Number(values.receipts));
    await writeFile(values.jobs, JSON.stringify(jobs, null, 2));
    console.log(`${Object.keys(jobs).length} receipts sent; their calls are in ${values.jobs}`);
  }
  if (!values['only-submit']) {
    const jobs = JSON.parse(await readFile(values.jobs, 'utf8')) as Jobs;
    const right = await collect(jobs);
    console.log(`${right} of ${Object.keys(jobs).length} receipts read right`);
    await rm(values.jobs);
    process.exitCode = right === Object.keys(jobs).length ? 0 : 1;
  }
}
