import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Random } from '@gantry/testing';
import { type Client, Cls, type FunctionCall, RemoteFunction } from 'gantry';

import { fetchHttps } from '../../platform.ts';
import type {
  addOne,
  count,
  Digest,
  failsAlways,
  failsTwice,
  reverse,
  square,
  sumOfSquares,
} from './load-app.ts';
import type { Ledger } from './ledger.ts';

export interface LoadContext {
  client: Client;
  random: Random;
  ledger: Ledger;
  /** For files that code in containers writes. */
  notes: string;
}

/** One piece of load, from its call to the check of what came back. Its first word names its kind. */
export type Load = (context: LoadContext) => Promise<void>;

const BLOB_BYTES = 600 * 1024;

function find<T extends object>(name: string, client: Client) {
  return RemoteFunction.fromName<T>('load', name, { client });
}

export const call: Load = ({ client, random, ledger }) => {
  const [x, pauseMs] = [random.integer(0, 1_000), random.integer(0, 200)];
  return ledger.take(`call square(${x})`, async () => {
    const traced = await find<typeof square>('square', client).remote(x, pauseMs);
    assert.equal(traced.value, x * x);
    ledger.expectCall(traced.callId, [traced]);
  });
};

export const map: Load = ({ client, random, ledger }) => {
  const inputs = Array.from({ length: random.integer(50, 250) }, (_, x): [number, number] => [x, 10]);
  const orderOutputs = random.next() < 0.5;
  return ledger.take(`map of ${inputs.length}, ${orderOutputs ? 'ordered' : 'unordered'}`, async () => {
    const results: { value: number; callId: string }[] = [];
    for await (const traced of find<typeof square>('square', client).starmap(inputs, { orderOutputs })) {
      results.push(traced);
    }
    const values = results.map(({ value }) => value);
    if (!orderOutputs) values.sort((a, b) => a - b);
    assert.deepEqual(
      values,
      inputs.map(([x]) => x * x),
    );
    const [first] = results;
    if (!first) return;
    const { callId } = first;
    ledger.expectCall(
      callId,
      inputs.map(([x]) => ({ value: x * x, callId })),
    );
  });
};

export const generator: Load = ({ client, random, ledger }) => {
  const [to, stepMs] = [random.integer(20, 400), random.integer(0, 10)];
  return ledger.take(`generator of ${to}`, async () => {
    const taken: number[] = [];
    for await (const n of find<typeof count>('count', client).remoteGen(to, stepMs)) taken.push(n);
    assert.deepEqual(
      taken,
      Array.from({ length: to }, (_, n) => n),
    );
  });
};

/** Its result is asked for by another client, after the faults. */
export function spawnedCall(spawned: { callId: string; x: number }[]): Load {
  return ({ client, random, ledger }) => {
    const [x, pauseMs] = [random.integer(0, 1_000), random.integer(100, 2_000)];
    return ledger.take(`spawn square(${x})`, async () => {
      const { id: callId } = await find<typeof square>('square', client).spawn(x, pauseMs);
      spawned.push({ callId, x });
      ledger.expectCall(callId, [{ value: x * x, callId }]);
    });
  };
}

export const batch: Load = ({ client, random, ledger }) => {
  const x = random.integer(0, 1_000);
  return ledger.take(`batch addOne(${x})`, async () => {
    const { value } = await find<typeof addOne>('addOne', client).remote(x);
    assert.equal(value, x + 1);
  });
};

export const nested: Load = ({ client, random, ledger }) => {
  const to = random.integer(2, 20);
  return ledger.take(`nested sumOfSquares(${to})`, async () => {
    const traced = await find<typeof sumOfSquares>('sumOfSquares', client).remote(to);
    assert.equal(traced.value, ((to - 1) * to * (2 * to - 1)) / 6);
    ledger.expectCall(traced.callId, [traced]);
  });
};

/** Lost containers must not use up its retries. */
export const retry: Load = ({ client, random, ledger, notes }) => {
  const path = join(notes, `retry-${random.integer(0, 2 ** 31)}`);
  return ledger.take('retry', async () => {
    const traced = await find<typeof failsTwice>('failsTwice', client).remote(path);
    assert.equal(traced.value, path);
    ledger.expectCall(traced.callId, [traced]);
  });
};

export const failure: Load = ({ client, random, ledger }) => {
  const x = random.integer(0, 1_000);
  return ledger.take(`failure ${x}`, async () => {
    await assert.rejects(find<typeof failsAlways>('failsAlways', client).remote(x), {
      name: 'RangeError',
      message: `no ${x}`,
    });
  });
};

export const blob: Load = ({ client, ledger }) => {
  const bytes = new Uint8Array(randomBytes(BLOB_BYTES));
  return ledger.take('blob', async () => {
    const { value, callId } = await find<typeof reverse>('reverse', client).remote(bytes);
    assert.deepEqual(value, bytes.toReversed());
    ledger.expectCall(callId, 1);
  });
};

export const instance: Load = ({ client, random, ledger }) => {
  const algorithm = ['sha1', 'sha256'][random.integer(0, 1)] ?? 'sha256';
  const text = `text ${random.integer(0, 1_000)}`;
  return ledger.take(`instance Digest(${algorithm})`, async () => {
    const digest = Cls.fromName<typeof Digest>('load', 'Digest', { client });
    const traced = await digest.instance({ algorithm }).of.remote(text);
    assert.equal(traced.value, createHash(algorithm).update(text).digest('hex'));
    ledger.expectCall(traced.callId, [traced]);
  });
};

/** Ends with a cancellation, or with the value if that was quicker; whichever it is, it stays so. */
export const cancellation: Load = ({ client, random, ledger }) => {
  const x = random.integer(0, 1_000);
  return ledger.take(`cancellation of square(${x})`, async () => {
    const spawned = await find<typeof square>('square', client).spawn(x, 1_000);
    await delay(random.integer(0, 1_500));
    await spawned.cancel();
    const [first, second] = [await endOf(spawned), await endOf(spawned)];
    assert.ok(first === 'InputCancellation' || first === x * x, `it ended with ${first}`);
    assert.equal(second, first);
    ledger.expectCall(spawned.id, 1);
  });
};

async function endOf(spawned: FunctionCall<{ value: number }>): Promise<unknown> {
  try {
    return (await spawned.get()).value;
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}

/** A request may fail while its gateway, worker or container does; its answer may not be wrong. */
export function webRequest(target: { url: string; caPath: string }): Load {
  return ({ random, ledger }) => {
    const x = random.integer(0, 1_000);
    return ledger.take(`web square(${x})`, async () => {
      const answer = await fetchHttps({ ...target, url: `${target.url}?x=${x}` }).catch(() => undefined);
      if (answer?.status === 200) assert.equal(answer.body, String(x * x));
    });
  };
}

/** One piece of load after the other, while `during.running`. */
export async function repeat(
  load: Load,
  context: LoadContext,
  during: { readonly running: boolean },
): Promise<void> {
  while (during.running) {
    await load(context);
    await delay(context.random.integer(0, 60));
  }
}
