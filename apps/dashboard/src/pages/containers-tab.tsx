import type { AppSummary, ContainerSummary } from '@gantry/protocol';

import { api } from '../access/api.ts';
import { usePolled } from '../access/use-polled.ts';
import type { LogFilter } from '../logs/log-lines.ts';
import { Badge } from '../parts/badge.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';

const EVERY_MS = 2_000;

interface ContainersTabProps {
  app: AppSummary;
  onLogs(filter: Partial<LogFilter>): void;
}

/** What runs of an app, where, and with how much to do. */
export function ContainersTab({ app, onLogs }: ContainersTabProps) {
  const { value, error } = usePolled(
    app.environment,
    (signal) => api.containers(app.environment, signal),
    EVERY_MS,
  );
  const own = value?.filter(({ appId }) => appId === app.id).sort((a, b) => b.startedAtMs - a.startedAtMs);
  return (
    <>
      {error && <ErrorNote error={error} />}
      {own && (
        <Table
          label="Containers"
          columns={containerColumns(Date.now(), onLogs)}
          rows={own}
          keyOf={({ containerId }) => containerId}
          empty="No container runs now. The next call or request starts one."
        />
      )}
    </>
  );
}

function containerColumns(nowMs: number, onLogs: ContainersTabProps['onLogs']): Column<ContainerSummary>[] {
  return [
    { title: 'Container', cell: ({ containerId }) => <code>{containerId}</code> },
    {
      title: 'Function',
      cell: ({ functionName, gang }) =>
        gang ? `${functionName} (rank ${gang.rank} of ${gang.size})` : functionName,
    },
    { title: 'State', cell: ({ state }) => <Badge state={state} /> },
    { title: 'Running', cell: ({ running, maxInputs }) => `${running} of ${maxInputs}`, isNumber: true },
    { title: 'Version', cell: ({ version }) => `v${version}`, isNumber: true },
    { title: 'Machine', cell: ({ hostname }) => hostname },
    { title: 'Started', cell: ({ startedAtMs }) => <Time atMs={startedAtMs} nowMs={nowMs} /> },
    {
      title: 'Log',
      cell: ({ containerId, functionName }) => (
        <button type="button" className="quiet" onClick={() => onLogs({ containerId, functionName })}>
          View log<span className="hidden-label"> of {containerId}</span>
        </button>
      ),
    },
  ];
}
