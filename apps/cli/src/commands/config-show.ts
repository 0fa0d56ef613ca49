import { CONFIG_KEYS, findSetting, type ConfigKey } from 'gantry/internal';

import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { toTable } from '../terminal/table.ts';

const REDACTED = '***';

export const configShowCommand: CommandSpec = {
  path: ['config', 'show'],
  summary: 'show the settings that count here, and what says so',
  details:
    'An environment variable wins over the active profile in config.toml, and that over what "gantry up" wrote.',
  options: [
    { flags: '--no-redact', description: 'show the token, too' },
    SHARED_OPTIONS.profile,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry config show', 'settings and where they come from'],
    ['gantry config show --json --no-redact', 'the same for programs, with the token'],
  ],
  async run({ terminal, env }, { options }) {
    const profile = options.text('profile');
    const keys = Object.keys(CONFIG_KEYS) as ConfigKey[];
    const rows = keys.map((key) => {
      const { value, source } = findSetting(key, env, { profile });
      const isHidden = key === 'token' && value !== undefined && options.flag('redact');
      return { key, value: isHidden ? REDACTED : value, source };
    });
    if (options.flag('json')) {
      const values = Object.fromEntries(rows.map(({ key, value }) => [key, value ?? null]));
      return terminal.out(JSON.stringify(values, undefined, 2));
    }
    const { style } = terminal;
    const columns = [
      { title: 'setting', cell: ({ key }: (typeof rows)[number]) => style.bold(key) },
      { title: 'value', cell: ({ value }: (typeof rows)[number]) => String(value ?? '-') },
      { title: 'from', cell: ({ source }: (typeof rows)[number]) => style.dim(source) },
    ];
    for (const line of toTable(columns, rows, style)) terminal.out(line);
  },
};
