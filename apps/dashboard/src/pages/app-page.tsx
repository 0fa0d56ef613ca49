import { useState } from 'react';

import type { AppSummary } from '@gantry/protocol';

import { api, type AppAddress } from '../access/api.ts';
import { Problem } from '../access/problem.ts';
import { usePolled } from '../access/use-polled.ts';
import { appLabel } from '../format/texts.ts';
import type { LogFilter } from '../logs/log-lines.ts';
import { LogView } from '../logs/log-view.tsx';
import { Link, navigate } from '../navigation.tsx';
import { ActionButton } from '../parts/action-button.tsx';
import { appState, Badge } from '../parts/badge.tsx';
import { ErrorNote } from '../parts/notes.tsx';
import { Time } from '../parts/time.tsx';
import { appsPath, TABS, type Tab } from '../routes.ts';
import { ContainersTab } from './containers-tab.tsx';
import { OverviewTab } from './overview-tab.tsx';
import { VersionsTab } from './versions-tab.tsx';

const EVERY_MS = 2_000;
const TITLES: Record<Tab, string> = {
  overview: 'Overview',
  logs: 'Logs',
  containers: 'Containers',
  versions: 'Versions',
};

interface AppPageProps {
  workspace: string;
  address: AppAddress;
  tab: Tab;
  /** Told where the app is. */
  onEnvironment(environment: string): void;
}

/** One app: what it is made of, what runs of it, what it prints. */
export function AppPage({ workspace, address, tab, onEnvironment }: AppPageProps) {
  const key = `${address.environment ?? ''}/${address.app}`;
  const read = async (signal: AbortSignal): Promise<AppSummary> => {
    const app = await api.app(address, signal);
    onEnvironment(app.environment);
    return app;
  };
  const { value: app, error } = usePolled(key, read, EVERY_MS);
  if (!app) return error ? <MissingApp error={error} /> : <p className="faint">Loading…</p>;
  return (
    <>
      <AppHead app={app} workspace={workspace} />
      {error && <ErrorNote error={error} />}
      <AppBody key={app.id} app={app} path={app.pagePath} tab={tab} />
    </>
  );
}

function AppHead({ app, workspace }: { app: AppSummary; workspace: string }) {
  const { id, version, environment, createdAtMs, deployedAtMs, stoppedAtMs } = app;
  const nowMs = Date.now();
  return (
    <div className="head">
      <title>{`${appLabel(app)} – Gantry`}</title>
      <p className="crumbs">
        <Link href={appsPath(workspace, environment)}>Apps</Link>
      </p>
      <h1>
        {appLabel(app)} <Badge state={appState(app)} />
      </h1>
      <p className="faint facts">
        {version > 0 && <span>version {version}</span>}
        <code>{id}</code>
        <span>
          {deployedAtMs === undefined ? 'created' : 'deployed'}{' '}
          <Time atMs={deployedAtMs ?? createdAtMs} nowMs={nowMs} />
        </span>
        {app.state !== 'stopped' && (
          <ActionButton
            label="Stop"
            subject={appLabel(app)}
            question={`Stop ${appLabel(app)} for good? What runs is finished; what waits fails. Its volumes, dicts, queues and secrets stay.`}
            act={() => api.stop({ app: id, environment })}
          />
        )}
        {stoppedAtMs !== undefined && (
          <span>
            stopped <Time atMs={stoppedAtMs} nowMs={nowMs} />
          </span>
        )}
      </p>
    </div>
  );
}

function AppBody({ app, path, tab }: { app: AppSummary; path: string; tab: Tab }) {
  const [filter, setFilter] = useState<LogFilter>({ functionName: '', containerId: '', text: '' });
  const address = { app: app.id, environment: app.environment };
  const showLogs = (wanted: Partial<LogFilter>): void => {
    setFilter({ functionName: '', containerId: '', text: '', ...wanted });
    navigate(`${path}?tab=logs`);
  };
  return (
    <>
      <nav className="tabs" aria-label="Parts of the app">
        {TABS.map((each) => (
          <Link
            key={each}
            href={each === 'overview' ? path : `${path}?tab=${each}`}
            aria-current={each === tab ? 'page' : undefined}
          >
            {TITLES[each]}
          </Link>
        ))}
      </nav>
      {tab === 'overview' && <OverviewTab app={app} address={address} onLogs={showLogs} />}
      {tab === 'logs' && <LogView address={address} filter={filter} onFilter={setFilter} />}
      {tab === 'containers' && <ContainersTab app={app} onLogs={showLogs} />}
      {tab === 'versions' && <VersionsTab address={address} isDeployed={app.state === 'deployed'} />}
    </>
  );
}

function MissingApp({ error }: { error: Error }) {
  return (
    <>
      <h1>{error instanceof Problem && error.status === 404 ? 'No such app' : 'The app cannot be shown'}</h1>
      <ErrorNote error={error} />
      <p>
        <Link href="/apps">All apps</Link>
      </p>
    </>
  );
}
