import type { RunSummary } from '@gantry/protocol';

import { duration, instant } from '../format/times.ts';

/** The last runs of a schedule, newest first. */
export function ScheduleRuns({ runs }: { runs: readonly RunSummary[] }) {
  if (runs.length === 0) return <p className="faint">No runs yet.</p>;
  return (
    <ol className="runs">
      {runs.map((run) => (
        <li key={`${run.tickMs} ${run.kind}`} className={styleOf(run)}>
          <span className="outcome">{outcomeText(run)}</span> {instant(run.tickMs)}{' '}
          <span className="faint">{run.durationMs !== undefined && duration(run.durationMs)}</span>{' '}
          {run.message !== undefined && <span className="faint clip">{run.message}</span>}
        </li>
      ))}
    </ol>
  );
}

function outcomeText({ kind, outcome, ticks = 1 }: RunSummary): string {
  if (kind === 'missed') return ticks > 1 ? `missed ${ticks}` : 'missed';
  if (kind === 'skipped') return 'skipped';
  return kind === 'manual' ? `${outcome} (by hand)` : outcome;
}

function styleOf({ kind, outcome }: RunSummary): string {
  if (kind === 'missed' || kind === 'skipped') return 'warn';
  return outcome === 'failed' ? 'bad' : outcome === 'succeeded' ? 'good' : '';
}
