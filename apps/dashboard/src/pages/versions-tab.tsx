import type { DeploymentSummary } from '@gantry/protocol';

import { api, type AppAddress } from '../access/api.ts';
import { usePolled } from '../access/use-polled.ts';
import { ActionButton } from '../parts/action-button.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';

const EVERY_MS = 5_000;

/** Every version of an app that served or serves, newest first. */
export function VersionsTab({ address, isDeployed }: { address: AppAddress; isDeployed: boolean }) {
  const { value, error } = usePolled(address.app, (signal) => api.deployments(address, signal), EVERY_MS);
  return (
    <>
      {error && <ErrorNote error={error} />}
      {value && (
        <Table
          label="Versions"
          columns={versionColumns(Date.now(), isDeployed ? address : undefined)}
          rows={value}
          keyOf={({ version }) => version}
          empty="It has no versions."
        />
      )}
    </>
  );
}

function versionColumns(nowMs: number, rollbackOf: AppAddress | undefined): Column<DeploymentSummary>[] {
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
    ...(rollbackOf ? [rollbackColumn(rollbackOf)] : []),
  ];
}

function rollbackColumn(address: AppAddress): Column<DeploymentSummary> {
  return {
    title: 'Way back',
    cell: ({ version, live }) =>
      !live && (
        <ActionButton
          label="Roll back"
          subject={`to v${version}`}
          question={`Deploy what v${version} was, as the newest version? Running calls are not disturbed.`}
          act={() => api.rollback(address, version)}
        />
      ),
  };
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
