import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT } from './paths.mjs';
import { SetupError } from './report.mjs';
import { runAttached } from './run-program.mjs';

/** Projects of vitest.config.ts, in the order in which they run. */
export const VITEST_PROJECTS = ['unit', 'integration', 'e2e'];

/**
 * Runs one vitest project and counts its tests. A file that cannot be loaded counts as one failed test. `remarks` name
 * the tests that failed, and those that needed a second attempt.
 *
 * @throws SetupError when it was asked to end: what did not run is neither passed nor failed.
 */
export async function runVitest(project) {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-vitest-'));
  const report = join(directory, 'report.json');
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project', project, '--passWithNoTests', '--reporter=default', '--reporter=json'];
  try {
    const command = [vitest, ...args, `--outputFile.json=${report}`];
    const { code, stoppedBy } = await runAttached(process.execPath, command);
    if (stoppedBy) throw new SetupError(`${stoppedBy} ended the tests before all of them ran`);
    const text = await readFile(report, 'utf8').catch(() => undefined);
    const results = text === undefined ? undefined : JSON.parse(text);
    return { ...countTests(results, code), remarks: remarksOn(results) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Counts what a vitest JSON report says; a run that failed has at least one failure. */
export function countTests(report, exitCode) {
  const brokenFiles = (report?.testResults ?? []).filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  const failed = (report?.numFailedTests ?? 0) + brokenFiles.length;
  return {
    passed: report?.numPassedTests ?? 0,
    // Vitest also fails for an error that no test caught.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
  };
}

/** One line for each test that failed, or passed only at its second attempt, with what was wrong. */
export function remarksOn(report) {
  return (report?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(ROOT, name);
    const noted = assertionResults.filter(({ failureMessages }) => failureMessages?.length > 0);
    const lines = noted.map((each) => {
      const what = each.status === 'failed' ? 'failed' : 'passed only when it was run again';
      return `${file}: "${each.fullName}" ${what}: ${firstLine(each.failureMessages[0])}`;
    });
    const isBroken = status === 'failed' && !assertionResults.some((each) => each.status === 'failed');
    return isBroken ? [...lines, `${file} failed: ${firstLine(message ?? '')}`] : lines;
  });
}

function firstLine(text) {
  return text.split('\n', 1)[0].slice(0, 300);
}
