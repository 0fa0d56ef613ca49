import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, TOOLS_BIN } from './paths.mjs';
import { reportError, step, warn } from './report.mjs';
import { findProgram, mustRun } from './run-program.mjs';

const CONSEQUENCE = 'so its tests of HTTP/2 are SKIPPED.';
/** Here `go.mod` says which version, and of what else; `go.sum` what they have to be. */
const MODULE = join(ROOT, 'tools', 'setup', 'h2spec');

/** Builds h2spec, others' tests of servers that speak HTTP/2, where Go is. Without it they are skipped, and this says so. */
export async function ensureH2spec() {
  if (process.env.GANTRY_H2SPEC || findProgram('h2spec') !== undefined) return;
  const go = findProgram('go');
  if (go === undefined) {
    warn(`There is no Go to build h2spec with, ${CONSEQUENCE}`);
    return;
  }
  try {
    await mkdir(TOOLS_BIN, { recursive: true });
    await step('Build h2spec with Go, for tests only', () =>
      mustRun(go, ['install', 'github.com/summerwind/h2spec/cmd/h2spec'], {
        cwd: MODULE,
        env: { GOBIN: TOOLS_BIN, CGO_ENABLED: '0' },
      }),
    );
  } catch (error) {
    reportError(error);
    warn(`h2spec could not be built, ${CONSEQUENCE}`);
  }
}
