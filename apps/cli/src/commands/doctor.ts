import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { runChecks, type Check } from '../doctor/checks.ts';
import { EXIT_CODES } from '../exit-code.ts';
import type { Style } from '../terminal/style.ts';
import { findDataDir } from '../platform/data-dir.ts';

export const doctorCommand: CommandSpec = {
  path: ['doctor'],
  summary: 'check this machine and the platform on it',
  details: 'Ends with 1 if something must be done.',
  options: [SHARED_OPTIONS.dataDir, SHARED_OPTIONS.json],
  examples: [
    ['gantry doctor', 'a table of what is fine and what is not'],
    ['gantry doctor --json', 'the same for programs'],
  ],
  async run({ terminal, env, programs }, { options }) {
    const checks = await runChecks({ env, programs, dataDir: findDataDir(env, options.text('dataDir')) });
    const failed = checks.filter((check) => check.status === 'fail').length;
    if (options.flag('json')) {
      terminal.out(JSON.stringify({ ok: failed === 0, checks }, undefined, 2));
    } else {
      const width = Math.max(...checks.map((check) => check.name.length));
      for (const check of checks) {
        const name = check.name.padEnd(width);
        terminal.out(`${mark(check.status, terminal.style)}  ${terminal.style.bold(name)}  ${check.detail}`);
        if (check.hint) terminal.out(`   ${' '.repeat(width)}  ${terminal.style.dim(`→ ${check.hint}`)}`);
      }
    }
    return failed === 0 ? EXIT_CODES.ok : EXIT_CODES.failed;
  },
};

function mark(status: Check['status'], style: Style): string {
  if (status === 'ok') return style.green('✓');
  return status === 'warn' ? style.yellow('!') : style.red('✗');
}
