import type { AppSummary } from '@gantry/protocol';

import { api } from '../access/api.ts';
import { usePolled } from '../access/use-polled.ts';
import { appLabel, plural } from '../format/texts.ts';
import { Link } from '../navigation.tsx';
import { appState, Badge } from '../parts/badge.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';

const EVERY_MS = 2_000;
const RECENT_MS = 2 * 3_600_000;

/** The apps of an environment: those that run, and below them those that ended of late. */
export function AppsPage({ environment }: { environment: string }) {
  const { value, error } = usePolled(environment, (signal) => api.apps(environment, signal), EVERY_MS);
  const nowMs = Date.now();
  const columns = columnsFor(nowMs);
  const running = value?.filter(({ state }) => state !== 'stopped') ?? [];
  const ended = value?.filter(({ stoppedAtMs = 0 }) => nowMs - stoppedAtMs < RECENT_MS) ?? [];
  const empty = `No app runs in environment “${environment}”. Deploy one: gantry deploy <entry>`;
  return (
    <>
      <title>{`Apps in ${environment} – Gantry`}</title>
      <h1>Apps</h1>
      {error && <ErrorNote error={error} />}
      {value && <Table label="Apps" columns={columns} rows={running} keyOf={({ id }) => id} empty={empty} />}
      {ended.length > 0 && (
        <>
          <h2>Stopped within two hours</h2>
          <Table label="Stopped apps" columns={columns} rows={ended} keyOf={({ id }) => id} empty="" />
        </>
      )}
    </>
  );
}

function columnsFor(nowMs: number): Column<AppSummary>[] {
  return [
    {
      title: 'App',
      cell: (app) => (
        <Link href={app.pagePath} className="name">
          {appLabel(app)}
        </Link>
      ),
    },
    { title: 'State', cell: (app) => <Badge state={appState(app)} /> },
    { title: 'Version', cell: ({ version }) => (version > 0 ? `v${version}` : '–'), isNumber: true },
    {
      title: 'Functions',
      cell: ({ functions }) => (
        <span className="faint clip" title={functions.map(({ name }) => name).join(', ')}>
          {functions.map(({ name }) => name).join(', ') || '–'}
        </span>
      ),
    },
    {
      title: 'Containers',
      cell: ({ containers }) => (
        <span aria-label={plural(containers, 'container')}>{containers === 0 ? '–' : containers}</span>
      ),
      isNumber: true,
    },
    {
      title: 'Deployed',
      cell: ({ deployedAtMs, createdAtMs }) => <Time atMs={deployedAtMs ?? createdAtMs} nowMs={nowMs} />,
    },
  ];
}
