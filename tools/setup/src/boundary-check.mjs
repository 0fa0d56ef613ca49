import { BOUNDARY_CASES } from './boundary-cases.mjs';
import { ROOT } from './paths.mjs';

const RULES = ['@nx/enforce-module-boundaries', 'no-restricted-imports'];

/**
 * Lints planted imports, each as if it stood in the project it names.
 *
 * @returns {Promise<string[]>} What is wrong with the rules; empty when every case is judged as it should be.
 */
export async function checkBoundaries() {
  const { ESLint } = await import('eslint');
  const { default: tseslint } = await import('typescript-eslint');
  const eslint = new ESLint({
    cwd: ROOT,
    // The planted files are in no tsconfig, so rules that need types cannot judge them.
    overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }],
  });
  const problems = [];
  for (const planted of BOUNDARY_CASES) {
    const [result] = await eslint.lintText(planted.code, { filePath: planted.file });
    const problem = judge(planted, result?.messages ?? []);
    if (problem !== undefined) problems.push(`${planted.title}: ${problem} (${planted.file})`);
  }
  return problems;
}

function judge({ rule }, messages) {
  const fatal = messages.find((message) => message.fatal);
  if (fatal !== undefined) return `could not be linted: ${fatal.message}`;
  const reported = messages.map((message) => message.ruleId).filter((id) => RULES.includes(id));
  if (rule === undefined) return reported.length === 0 ? undefined : `reported by ${reported.join(', ')}`;
  return reported.includes(rule) ? undefined : `not reported by ${rule}`;
}
