import { CONFIG_KEYS, ConfigFile, findSetting, LOCAL_PROFILE } from 'gantry/internal';

import { SHARED_OPTIONS, type CommandContext, type CommandSpec } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';

interface ProfileSummary {
  name: string;
  active: boolean;
  /** Null for `local` while no platform was started here. */
  serverUrl: string | null;
  workspace: string | null;
  environment: string;
}

export const profileListCommand: CommandSpec = {
  path: ['profile', 'list'],
  summary: 'list the platforms that this user can work with',
  details: `"${LOCAL_PROFILE}" is the platform that "gantry up" runs on this machine.`,
  options: [SHARED_OPTIONS.json],
  examples: [
    ['gantry profile list', 'profiles, the active one marked'],
    ['gantry profile list --json', 'the same for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const profiles = summariesOf(env);
    if (options.flag('json')) return terminal.out(JSON.stringify(profiles, undefined, 2));
    for (const line of toTable(columns(terminal.style), profiles, terminal.style)) terminal.out(line);
    for (const { variable } of [CONFIG_KEYS.serverUrl, CONFIG_KEYS.token]) {
      if (env[variable]) terminal.note(`${variable} is set here, and wins over every profile.`);
    }
  },
};

function summariesOf(env: CommandContext['env']): ProfileSummary[] {
  const file = ConfigFile.read(env);
  const selected = file.select(env);
  return file.names.map((name) => {
    const { workspace } = file.get(name);
    const from = { profile: name, useEnv: false };
    return {
      name,
      active: name === selected,
      serverUrl: findSetting('serverUrl', env, from).value ?? null,
      workspace: typeof workspace === 'string' ? workspace : null,
      environment: findSetting('environment', env, from).value,
    };
  });
}

function columns(style: Style): Column<ProfileSummary>[] {
  return [
    { title: '', cell: ({ active }) => (active ? style.green('*') : '') },
    { title: 'profile', cell: ({ name, active }) => (active ? style.bold(name) : name) },
    { title: 'server', cell: ({ serverUrl }) => serverUrl ?? '-' },
    { title: 'workspace', cell: ({ workspace }) => workspace ?? '-' },
    { title: 'environment', cell: ({ environment }) => environment },
  ];
}
