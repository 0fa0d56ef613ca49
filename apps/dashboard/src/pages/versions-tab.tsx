import type { DeploymentSummary } from '@gantry/protocol';

import { api, type AppAddress } from '../access/api.ts';
import { usePolled } from '../access/use-polled.ts';
import { ErrorNote } from '../parts/notes.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';

const EVERY_MS = 5_000;

/** Every version of an app that served or serves, newest first. */
export function VersionsTab({ address }: { address: AppAddress }) {
  const { value, error } = usePolled(address.app, (signal) => api.deployments(address, signal), EVERY_MS);
  return (
    <>
      {error && <ErrorNote error={error} />}
      {value && (
        <Table
          label="Versions"
          columns={versionColumns(Date.now())}
          rows={value}
          keyOf={({ version }) => version}
          empty="It has no versions."
        />
      )}
    </>
  );
}

function versionColumns(nowMs: number): Column<DeploymentSummary>[] {
  return [
    {
      title: 'Version',
      cell: ({ version, live }) => (
        <>
          <strong>v{version}</strong> {live && <span className="badge deployed">live</span>}
        </>
      ),
    },
    { title: 'Deployed', cell: ({ deployedAtMs }) => <Time atMs={deployedAtMs} nowMs={nowMs} /> },
    { title: 'By', cell: ({ deployedBy }) => deployedBy ?? '–' },
    { title: 'Commit', cell: ({ commit }) => <Commit commit={commit} /> },
    { title: 'Note', cell: noteText },
    { title: 'Functions', cell: ({ functions }) => functions, isNumber: true },
  ];
}

function noteText({ tag, rollbackOf }: DeploymentSummary): string {
  const rollback = rollbackOf === undefined ? undefined : `back to v${rollbackOf}`;
  return [tag, rollback].filter((text) => text !== undefined).join(', ') || '–';
}

function Commit({ commit }: Pick<DeploymentSummary, 'commit'>) {
  if (!commit) return '–';
  return (
    <span>
      <code>{commit.hash.slice(0, 7)}</code>
    </span>
  );
}
