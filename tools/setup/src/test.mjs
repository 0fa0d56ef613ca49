import { CHECKS, runCheck } from './checks.mjs';
import { say, SetupError } from './report.mjs';
import { runVitest, VITEST_PROJECTS } from './vitest.mjs';

/**
 * `npm test`: every check, then every test. Names of stages as arguments select some of them.
 *
 * @param {string[]} args
 * @returns {Promise<number>} 1 when anything failed or nothing ran.
 */
export async function test(args) {
  const stages = selectStages(args);
  const results = [];
  for (const stage of stages) {
    say(`\n== ${stage} ==`);
    const started = performance.now();
    const counts = stage in CHECKS ? await runCheck(stage) : await runVitest(stage);
    results.push({ stage, counts, seconds: (performance.now() - started) / 1000 });
  }
  say('');
  for (const { counts } of results) for (const remark of counts.remarks ?? []) say(remark);
  say('');
  for (const { stage, counts, seconds } of results) {
    say(`${stage.padEnd(12)} ${describe(counts).padEnd(36)} ${seconds.toFixed(1).padStart(6)} s`);
  }
  const total = results.reduce((sum, { counts }) => add(sum, counts), NOTHING);
  say(`\n${describe(total)}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

const NOTHING = { passed: 0, failed: 0, skipped: 0 };

function selectStages(args) {
  const all = [...Object.keys(CHECKS), ...VITEST_PROJECTS];
  const unknown = args.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new SetupError(`there is no stage "${unknown}"`, { hint: `Use any of: ${all.join(', ')}.` });
  }
  return args.length === 0 ? all : all.filter((name) => args.includes(name));
}

function add(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
