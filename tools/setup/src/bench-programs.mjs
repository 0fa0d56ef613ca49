import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureMinio } from './minio.mjs';
import { TOOLS_BIN } from './paths.mjs';
import { findProgram } from './run-program.mjs';
import { aptInstall } from './system-packages.mjs';

/** Programs that benchmarks hold Gantry against or measure with, and the benchmarks that need them. */
const NEEDS = {
  'redis-server': ['calls', 'calls-synced', 'map', 'map-synced', 'map-memory', 'collections'],
  wrk: ['https', 'web'],
  openssl: ['https', 'web'],
  minio: ['volumes', 'commits'],
};

// Debian's package redis-server would leave a running service behind; redis-tools has the same program by another name.
const PACKAGES = { 'redis-server': 'redis-tools', wrk: 'wrk', openssl: 'openssl' };

/**
 * What the benchmarks of a command line need, of the programs that set-up does not install anyway.
 *
 * @param {readonly string[]} args - As `npm run bench` has them: no `--only` means all.
 * @returns {string[]}
 */
export function programsFor(args) {
  if (args.includes('--help')) return [];
  const only = onlyOf(args);
  return Object.keys(NEEDS).filter((program) => !only || NEEDS[program].some((name) => only.includes(name)));
}

/** Installs what the chosen benchmarks need; fails with a `SetupError` that says how where it may not. */
export async function ensureBenchPrograms(args) {
  const missing = programsFor(args).filter((program) => findProgram(program) === undefined);
  const packages = missing.flatMap((program) => PACKAGES[program] ?? []);
  if (packages.length > 0) await aptInstall(...packages);
  if (missing.includes('redis-server')) await nameRedis();
  if (missing.includes('minio')) await ensureMinio();
}

async function nameRedis() {
  const program = findProgram('redis-check-rdb');
  if (program === undefined || findProgram('redis-server') !== undefined) return;
  const link = join(TOOLS_BIN, 'redis-server');
  await mkdir(dirname(link), { recursive: true });
  await symlink(program, link);
}

function onlyOf(args) {
  const at = args.findIndex((arg) => arg === '--only' || arg.startsWith('--only='));
  if (at < 0) return undefined;
  const value = args[at] === '--only' ? args[at + 1] : args[at].slice('--only='.length);
  return (value ?? '').split(',');
}
