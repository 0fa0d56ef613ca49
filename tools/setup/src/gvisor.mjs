import { mkdir } from 'node:fs/promises';
import { TOOLS_BIN } from './paths.mjs';
import { reportError, step, warn } from './report.mjs';
import { findProgram, mustRun, runProgram } from './run-program.mjs';
import { VERSIONS } from './versions.mjs';

const CONSEQUENCE = 'so tests of containers with a kernel of their own are SKIPPED.';

/** Builds gVisor for the tests where Go is: the package of Debian 12 is too old. Elsewhere those are skipped, and this says so. */
export async function ensureGvisor() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || (await isNewEnough())) return;
  const go = findProgram('go');
  if (go === undefined) {
    warn(`There is no Go to build gVisor with, ${CONSEQUENCE}`);
    return;
  }
  try {
    await step('Build gVisor with Go, for tests only (takes a few minutes, once)', () => installWithGo(go));
  } catch (error) {
    reportError(error);
    warn(`gVisor could not be built, ${CONSEQUENCE}`);
  }
}

async function isNewEnough() {
  const program = findProgram('runsc');
  return program !== undefined && (await runProgram(program, ['help', 'run'])).output.includes('-pass-fd');
}

async function installWithGo(go) {
  await mkdir(TOOLS_BIN, { recursive: true });
  await mustRun(go, ['install', '-trimpath', `gvisor.dev/gvisor/runsc@${VERSIONS.gvisor}`], {
    // Without libraries of the machine: it starts itself again where there are none.
    env: { GOBIN: TOOLS_BIN, CGO_ENABLED: '0' },
  });
}
