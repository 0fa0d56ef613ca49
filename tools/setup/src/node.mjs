import { mkdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, TOOLS_BIN } from './paths.mjs';
import { SetupError, step } from './report.mjs';
import { isExecutable, npm, runProgram } from './run-program.mjs';
import { compareVersions, VERSIONS } from './versions.mjs';

const LOCAL_NODE = join(TOOLS_BIN, 'node');

/**
 * Finds a Node that is new enough, installing one into `.tools` when the running one is too old.
 *
 * @returns {Promise<string>} The path of the program.
 */
export async function ensureNode() {
  if (isExecutable(LOCAL_NODE) && (await isNewEnough(LOCAL_NODE))) return LOCAL_NODE;
  if (compareVersions(process.version, VERSIONS.nodeMinimum) >= 0) return process.execPath;
  return step(`Install Node ${VERSIONS.node} into .tools (this one is ${process.version})`, installNode);
}

async function isNewEnough(program) {
  const { code, stdout } = await runProgram(program, ['--version']);
  return code === 0 && compareVersions(stdout, VERSIONS.nodeMinimum) >= 0;
}

async function installNode() {
  const name = `node-${process.platform}-${process.arch}`;
  const hint = `Install Node ${VERSIONS.nodeMinimum} or newer by hand and run this again.`;
  const prefix = join(ROOT, '.tools', 'node');
  await mkdir(prefix, { recursive: true });
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-workspaces'];
  await npm(['install', '--prefix', prefix, ...flags, `${name}@${VERSIONS.node}`], { cwd: prefix, hint });
  const target = join('..', 'node', 'node_modules', name, 'bin', 'node');
  await link(target, LOCAL_NODE);
  if (!(await isNewEnough(LOCAL_NODE))) {
    throw new SetupError(`the installed Node ${VERSIONS.node} does not run on this machine`, { hint });
  }
  return LOCAL_NODE;
}

async function link(target, path) {
  await mkdir(TOOLS_BIN, { recursive: true });
  if ((await readlink(path).catch(() => undefined)) === target) return;
  await rm(path, { force: true });
  await symlink(target, path);
}
