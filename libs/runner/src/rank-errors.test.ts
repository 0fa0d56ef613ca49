import { decodeValue, type Outcome } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { ofRank } from './rank-errors.ts';
import { outcomeOfThrown } from './thrown-value.ts';

const CLUSTER = { id: 'ta-1', rank: 2, size: 3, addresses: [] };

function said(outcome: Outcome): Outcome {
  const message = { type: 'output', inputId: 'in-1', outcome, startedAtMs: 1, finishedAtMs: 2 } as const;
  const named = ofRank(message, CLUSTER);
  return named.type === 'output' ? named.outcome : outcome;
}

test('an error that code of a rank threw says which one it was, in its message and its stack, and keeps its class', () => {
  const outcome = said(outcomeOfThrown(new RangeError('too far $1')));
  const error = outcome.type === 'error' && decodeValue(outcome.error as Uint8Array);
  expect(error).toBeInstanceOf(RangeError);
  expect(error).toMatchObject({ message: 'rank 2 of 3: too far $1' });
  expect(outcome.type === 'error' && outcome.stack).toMatch(/^RangeError: rank 2 of 3: too far \$1\n/);
});

test('what is no error stays as it was thrown, and a value as it was returned', () => {
  const thrown = outcomeOfThrown('no');
  expect(said(thrown)).toBe(thrown);
  const value: Outcome = { type: 'value', value: new Uint8Array(1) };
  expect(said(value)).toBe(value);
});
