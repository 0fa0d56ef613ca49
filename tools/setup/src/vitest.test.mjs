import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './paths.mjs';
import { countTests, remarksOn } from './vitest.mjs';

const file = (status, ...assertions) => ({
  status,
  assertionResults: assertions.map((each) => ({ status: each })),
});

test('counts what passed, failed and was skipped', () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    testResults: [file('passed', 'passed'), file('failed', 'failed')],
  };

  expect(countTests(report, 1)).toEqual({ passed: 5, failed: 1, skipped: 3 });
});

test('counts a file that could not be loaded as one failed test', () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 0,
    testResults: [file('failed'), file('passed', 'passed')],
  };

  expect(countTests(report, 1)).toEqual({ passed: 5, failed: 1, skipped: 0 });
});

test.each([
  ['a run that failed although no test did', { numPassedTests: 5, numFailedTests: 0, testResults: [] }, 5],
  ['a run that left no report', undefined, 0],
])('counts %s as one failure', (_, report, passed) => {
  expect(countTests(report, 1)).toEqual({ passed, failed: 1, skipped: 0 });
});

test('counts nothing where there is nothing to run', () => {
  expect(countTests({ numPassedTests: 0, numFailedTests: 0, testResults: [] }, 0)).toEqual({
    passed: 0,
    failed: 0,
    skipped: 0,
  });
});

test('names the tests that failed, the files that could not be loaded, and what passed only when it was run again', () => {
  const at = (name, fields) => ({ name: join(ROOT, name), assertionResults: [], ...fields });
  const report = {
    testResults: [
      at('a.test.ts', {
        status: 'failed',
        assertionResults: [
          {
            status: 'failed',
            fullName: 'a call ends',
            failureMessages: ['Error: late\n    at a.ts:1', 'Error: late'],
          },
          { status: 'passed', fullName: 'a call begins', failureMessages: ['Error: busy\n    at a.ts:2'] },
          { status: 'passed', fullName: 'a call waits', failureMessages: [] },
        ],
      }),
      at('b.test.ts', { status: 'failed', message: 'SyntaxError: no\n  at b.ts' }),
    ],
  };

  expect(remarksOn(report)).toEqual([
    'a.test.ts: "a call ends" failed: Error: late',
    'a.test.ts: "a call begins" passed only when it was run again: Error: busy',
    'b.test.ts failed: SyntaxError: no',
  ]);
  expect(remarksOn(undefined)).toEqual([]);
});
