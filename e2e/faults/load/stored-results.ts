import { isDeepStrictEqual } from 'node:util';

import type { Messaging } from '@gantry/messaging';
import { decodeValue, type Outcome } from '@gantry/protocol';

import type { Ledger } from './ledger.ts';

const AT_ONCE = 16;

/** Compares what is on disk with the ledger: one result per input, and the right one. Returns what is wrong. */
export async function checkStoredResults({ outputs }: Messaging, { calls }: Ledger): Promise<string[]> {
  const problems: string[] = [];
  const left = [...calls];
  const check = async () => {
    for (let next = left.pop(); next; next = left.pop()) {
      const [callId, expected] = next;
      const found: { index: number; outcome: Outcome }[] = [];
      for await (const { index, outcome } of outputs.read(callId)) found.push({ index, outcome });
      problems.push(...compare(found, expected).map((problem) => `call ${callId}: ${problem}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, check));
  return problems;
}

function compare(
  found: { index: number; outcome: Outcome }[],
  expected: readonly unknown[] | number,
): string[] {
  const count = typeof expected === 'number' ? expected : expected.length;
  const indexes = found.map(({ index }) => index).sort((a, b) => a - b);
  if (
    !isDeepStrictEqual(
      indexes,
      Array.from({ length: count }, (_, at) => at),
    )
  ) {
    return [`it has results for the inputs ${indexes.join(', ')}, of ${count}`];
  }
  if (typeof expected === 'number') return [];
  return found.flatMap(({ index, outcome }) => {
    const isRight =
      outcome.type === 'value' &&
      outcome.value instanceof Uint8Array &&
      isDeepStrictEqual(decodeValue(outcome.value), expected[index]);
    return isRight ? [] : [`its input ${index} has another result: ${JSON.stringify(outcome)}`];
  });
}
