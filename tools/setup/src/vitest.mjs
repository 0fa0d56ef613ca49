import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';
import { SetupError } from './report.mjs';
import { runAttached } from './run-program.mjs';

/** Projects of vitest.config.ts, in the order in which they run. */
export const VITEST_PROJECTS = ['unit', 'integration', 'e2e'];

/**
 * Runs one vitest project and counts its tests. A file that cannot be loaded counts as one failed test.
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
    return countTests(text === undefined ? undefined : JSON.parse(text), code);
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
