import type { DeploymentSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { toAge } from '../terminal/units.ts';

export const appHistoryCommand: CommandSpec = {
  path: ['app', 'history'],
  summary: 'list the versions of an app, newest first',
  details: 'A "*" after the commit means that files differed from it when the version was deployed.',
  arguments: [{ usage: '<app>', description: 'name or id of the app' }],
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.json],
  examples: [
    ['gantry app history shop', 'versions of the app "shop"'],
    ['gantry app history shop --json', 'the same for programs'],
  ],
  async run({ terminal, env }, input) {
    const client = new ApiClient(findConnection(env, { environment: input.options.text('env') }));
    const history = await client.appHistory(input.arguments[0] ?? '');
    if (input.options.flag('json')) return terminal.out(JSON.stringify(history.map(toJson), undefined, 2));
    for (const line of toTable(columns(terminal.style, history), history, terminal.style)) terminal.out(line);
  },
};

/** `commit` is always there, and `tag` as soon as one version has one, so that programs need not ask. */
function toJson(one: DeploymentSummary, _at: number, all: readonly DeploymentSummary[]): object {
  const hasTags = all.some(({ tag }) => tag !== undefined);
  const { commit, tag, deployedBy, rollbackOf, ...rest } = one;
  return {
    ...rest,
    deployedBy: deployedBy ?? null,
    commit: commit ? commitText(commit) : null,
    rollbackOf: rollbackOf ?? null,
    ...(hasTags ? { tag: tag ?? null } : {}),
  };
}

function commitText({ hash, dirty }: NonNullable<DeploymentSummary['commit']>): string {
  return dirty ? `${hash}*` : hash;
}

function columns(style: Style, history: readonly DeploymentSummary[]): Column<DeploymentSummary>[] {
  const nowMs = Date.now();
  const hasTags = history.some(({ tag }) => tag !== undefined);
  return [
    { title: 'version', cell: (one) => style.bold(`v${one.version}`) },
    { title: 'state', cell: (one) => (one.live ? style.green('live') : '') },
    { title: 'deployed', cell: (one) => toAge(one.deployedAtMs, nowMs) },
    { title: 'by', cell: (one) => one.deployedBy ?? '-' },
    { title: 'commit', cell: (one) => (one.commit ? commitText(one.commit) : '-') },
    ...(hasTags ? [{ title: 'tag', cell: (one: DeploymentSummary) => one.tag ?? '-' }] : []),
    { title: 'note', cell: (one) => (one.rollbackOf ? style.dim(`rollback to v${one.rollbackOf}`) : '') },
  ];
}
