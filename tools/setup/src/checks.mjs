import { join } from 'node:path';
import { checkBoundaries } from './boundary-check.mjs';
import { ROOT } from './paths.mjs';
import { say } from './report.mjs';
import { runProgram } from './run-program.mjs';

/** Checks without a test runner, in the order in which they run; each counts as one test. Resolves with what is wrong. */
export const CHECKS = {
  format: () => runBin('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']),
  lint: async () => (await readProjectGraph()) || runBin('eslint/bin/eslint.js', ['.']),
  boundaries: async () => (await readProjectGraph()) || (await checkBoundaries()).join('\n'),
  // The dashboard sees what browsers have, and nothing of Node.
  types: async () => {
    const found = [await checkTypes('tsconfig.json'), await checkTypes('apps/dashboard/tsconfig.json')];
    return found.filter((text) => text !== '').join('\n');
  },
};

/** Runs one check and prints what it found. */
export async function runCheck(name) {
  const problems = await CHECKS[name]();
  if (problems !== '') say(problems);
  say(problems === '' ? `✓ ${name}` : `✗ ${name}`);
  return { passed: problems === '' ? 1 : 0, failed: problems === '' ? 0 : 1, skipped: 0 };
}

// The boundary rule reads the project graph that Nx wrote last, and reports nothing at all when there is none.
async function readProjectGraph() {
  return runBin('nx/dist/bin/nx.js', ['show', 'projects', '--json']);
}

function checkTypes(project) {
  return runBin('typescript/bin/tsc', ['--noEmit', '-p', project]);
}

/** Runs a program of an npm package; resolves with what it printed when it failed, else with an empty text. */
async function runBin(path, args) {
  const { code, output } = await runProgram(process.execPath, [join(ROOT, 'node_modules', path), ...args]);
  if (code === 0) return '';
  return output.trim() || `${path} ended with code ${code}`;
}
