import { expect, test } from 'vitest';
import { countTests } from './vitest.mjs';

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
