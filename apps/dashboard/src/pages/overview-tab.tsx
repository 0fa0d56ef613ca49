import type { AppSummary, FunctionStatus, FunctionSummary, ScheduleSummary } from '@gantry/protocol';

import { api, type AppAddress } from '../access/api.ts';
import { usePolled } from '../access/use-polled.ts';
import { plural, scheduleText, webAddress } from '../format/texts.ts';
import type { LogFilter } from '../logs/log-lines.ts';
import { ActionButton } from '../parts/action-button.tsx';
import { Badge } from '../parts/badge.tsx';
import { AppNotes, ErrorNote } from '../parts/notes.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { ScheduleRuns } from './schedule-runs.tsx';

const EVERY_MS = 2_000;
const SCHEDULES_EVERY_MS = 5_000;

interface OverviewTabProps {
  app: AppSummary;
  address: AppAddress;
  onLogs(filter: Partial<LogFilter>): void;
}

/** The functions of an app, how they are now, and when those with schedules are due. */
export function OverviewTab({ app, address, onLogs }: OverviewTabProps) {
  const statuses = usePolled(app.id, (signal) => api.functions(address, signal), EVERY_MS);
  const schedules = usePolled(app.id, (signal) => api.schedules(address, signal), SCHEDULES_EVERY_MS);
  const byId = new Map(statuses.value?.map((status) => [status.functionId, status]));
  const error = statuses.error ?? schedules.error;
  return (
    <>
      {error && <ErrorNote error={error} />}
      <AppNotes app={app} nowMs={Date.now()} />
      <Totals statuses={statuses.value} />
      <p className="faint footnote">
        Inputs of calls that succeeded and failed are counted since the server started.
      </p>
      <h2>Functions</h2>
      <Table
        label="Functions"
        columns={functionColumns(byId, onLogs)}
        rows={app.functions}
        keyOf={({ id }) => id}
        empty={app.state === 'stopped' ? 'The app is stopped: it has no functions any more.' : 'It has none.'}
      />
      {schedules.value !== undefined && schedules.value.length > 0 && (
        <>
          <h2>Schedules</h2>
          {schedules.value.map((schedule) => (
            <Schedule key={schedule.functionId} schedule={schedule} address={address} />
          ))}
        </>
      )}
    </>
  );
}

function Totals({ statuses }: { statuses: readonly FunctionStatus[] | undefined }) {
  const sum = (pick: (status: FunctionStatus) => number): string =>
    statuses ? String(statuses.reduce((total, status) => total + pick(status), 0)) : '…';
  const tiles = [
    ['Containers', sum(({ numTotalContainers }) => numTotalContainers)],
    ['Running inputs', sum(({ numRunningInputs }) => numRunningInputs)],
    ['Waiting inputs', sum(({ backlog }) => backlog)],
    ['Succeeded', sum(({ numSucceededInputs }) => numSucceededInputs)],
    ['Failed', sum(({ numFailedInputs }) => numFailedInputs)],
  ] as const;
  return (
    <dl className="tiles">
      {tiles.map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function functionColumns(
  statuses: ReadonlyMap<string, FunctionStatus>,
  onLogs: OverviewTabProps['onLogs'],
): Column<FunctionSummary>[] {
  const count = (id: string, pick: (status: FunctionStatus) => number): string => {
    const status = statuses.get(id);
    return status === undefined ? '…' : String(pick(status) || '–');
  };
  return [
    {
      title: 'Function',
      cell: (each) => (
        <>
          <strong className="name">{each.name}</strong>
          {each.crashLoop && <Badge state="crash-looping" />}
          {each.unplaceable !== undefined && <Badge state="waiting" />}
          <Addresses urls={each.urls} isClass={each.kind === 'class'} />
        </>
      ),
    },
    { title: 'Kind', cell: ({ kind }) => <span className="faint">{kind}</span> },
    { title: 'Containers', cell: ({ id }) => containersText(statuses.get(id)), isNumber: true },
    {
      title: 'Running',
      cell: ({ id }) => count(id, ({ numRunningInputs }) => numRunningInputs),
      isNumber: true,
    },
    { title: 'Waiting', cell: ({ id }) => count(id, ({ backlog }) => backlog), isNumber: true },
    {
      title: 'Succeeded',
      cell: ({ id }) => count(id, ({ numSucceededInputs }) => numSucceededInputs),
      isNumber: true,
    },
    {
      title: 'Failed',
      cell: ({ id }) => (
        <span className={statuses.get(id)?.numFailedInputs ? 'bad' : undefined}>
          {count(id, ({ numFailedInputs }) => numFailedInputs)}
        </span>
      ),
      isNumber: true,
    },
    {
      title: 'Log',
      cell: ({ name }) => (
        <button type="button" className="quiet" onClick={() => onLogs({ functionName: name })}>
          View log<span className="hidden-label"> of {name}</span>
        </button>
      ),
    },
  ];
}

function containersText(status: FunctionStatus | undefined): string {
  if (!status) return '…';
  const { numTotalContainers, numStartingContainers } = status;
  if (numTotalContainers === 0) return '–';
  return numStartingContainers === 0
    ? String(numTotalContainers)
    : `${numTotalContainers} (${numStartingContainers} starting)`;
}

function Addresses({ urls, isClass }: { urls: Record<string, string>; isClass: boolean }) {
  return Object.entries(urls).map(([method, url]) => (
    <div key={method} className="address">
      <a href={webAddress(url)} target="_blank" rel="noopener noreferrer">
        {url}
      </a>{' '}
      {isClass && <span className="faint">{method}</span>}
    </div>
  ));
}

function Schedule({ schedule, address }: { schedule: ScheduleSummary; address: AppAddress }) {
  const { functionName, nextMs, runs } = schedule;
  return (
    <section className="schedule" aria-label={`Schedule of ${functionName}`}>
      <p>
        <strong>{functionName}</strong> <span>{scheduleText(schedule.schedule)}</span>{' '}
        <span className="faint">
          {nextMs === undefined ? (
            'never again'
          ) : (
            <>
              next <Time atMs={nextMs} nowMs={Date.now()} />
            </>
          )}
          {runs.length > 0 && `, last ${plural(runs.length, 'run')}:`}
        </span>{' '}
        <ActionButton
          label="Run now"
          subject={functionName}
          question={`Call ${functionName} once, now? Its schedule stays as it is.`}
          act={() => api.runNow(address, functionName)}
        />
      </p>
      <ScheduleRuns runs={runs} />
    </section>
  );
}
