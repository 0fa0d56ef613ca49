import { mkdir } from 'node:fs/promises';
import { TOOLS_BIN } from './paths.mjs';
import { reportError, step, warn } from './report.mjs';
import { findProgram, mustRun } from './run-program.mjs';
import { VERSIONS } from './versions.mjs';

const CONSEQUENCE = 'so whatever needs a real S3 store is SKIPPED.';

/** Builds MinIO for tests and benchmarks where Go is. Without it those that need it are skipped, and this says so. */
export async function ensureMinio() {
  if (process.env.GANTRY_MINIO || findProgram('minio') !== undefined) return;
  const go = findProgram('go');
  if (go === undefined) {
    warn(`There is no Go to build MinIO with, ${CONSEQUENCE}`);
    return;
  }
  try {
    await step('Build MinIO with Go, for tests and benchmarks only (takes a few minutes, once)', () =>
      installWithGo(go),
    );
  } catch (error) {
    reportError(error);
    warn(`MinIO could not be built, ${CONSEQUENCE}`);
  }
}

async function installWithGo(go) {
  await mkdir(TOOLS_BIN, { recursive: true });
  await mustRun(go, ['install', `github.com/minio/minio@${VERSIONS.minio}`], {
    env: { GOBIN: TOOLS_BIN, CGO_ENABLED: '0' },
  });
}
