import type { BuilderReleaseSummary, BuilderReply } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { type CommandSpec, SHARED_OPTIONS } from '../command.ts';
import { parseInteger } from '../option-values.ts';
import { type Column, toTable } from '../terminal/table.ts';

export const imageBuilderCommand: CommandSpec = {
  path: ['image', 'builder'],
  summary: 'show what images of Debian begin with, or choose it',
  details:
    'It stays as it is, also when the platform is brought up to date, so no deploy builds images anew that nobody changed.\n' +
    'After a choice each image is built anew at its next deploy. Naming the version in use takes the newest Node of the server.',
  arguments: [{ usage: '[version]', description: 'version to begin with from now on' }],
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [
    ['gantry image builder', 'the versions, the one in use marked'],
    ['gantry image builder 2', 'Debian 13 from the next deploy on'],
  ],
  async run({ terminal, env }, { arguments: [wanted], options }) {
    const client = new ApiClient(findConnection(env, { profile: options.text('profile') }));
    const version = wanted === undefined ? undefined : parseInteger('version', wanted, BOUNDS);
    const reply = version === undefined ? await client.imageBuilder() : await client.chooseBuilder(version);
    if (options.flag('json')) return terminal.out(JSON.stringify(reply, undefined, 2));
    const { style } = terminal;
    if (version === undefined) {
      for (const line of toTable(columns(reply), reply.releases, style)) terminal.out(line);
      return;
    }
    const chosen = reply.releases.find((release) => release.version === version);
    if (chosen) terminal.out(`Images begin with ${nameOf(chosen)} from their next build on.`);
    terminal.note('What runs stays as it is; each image is built anew at its next deploy.');
  },
};

const BOUNDS = { min: 1, max: 1_000_000 };

const columns = ({ version: current }: BuilderReply): Column<BuilderReleaseSummary>[] => [
  { title: '', cell: ({ version }) => (version === current ? '*' : '') },
  { title: 'Version', cell: ({ version }) => String(version) },
  { title: 'Debian', cell: ({ debian, suite }) => `${debian} (${suite})` },
  { title: 'Python', cell: ({ python }) => python },
  { title: 'Node', cell: ({ nodeVersion }) => nodeVersion },
];

function nameOf({ debian, suite, python, nodeVersion }: BuilderReleaseSummary): string {
  return `Debian ${debian} (${suite}), Python ${python} and Node ${nodeVersion}`;
}
