import type { ReactNode } from 'react';

import { Problem, sentence } from '../access/problem.ts';
import type { AppSummary } from '@gantry/protocol';

/** What went wrong, and what to do. */
export function ErrorNote({ error }: { error: Error }) {
  return (
    <div className="note bad" role="alert">
      <p>
        <strong>{sentence(error.message)}</strong>{' '}
        {error instanceof Problem && error.hint !== undefined ? sentence(error.hint) : ''}
      </p>
    </div>
  );
}

/** What somebody should look at: functions whose containers fail, or that no machine has room for. */
export function AppNotes({ app, nowMs }: { app: AppSummary; nowMs: number }) {
  return app.functions.flatMap(({ id, name, crashLoop, unplaceable }): ReactNode[] => {
    const notes: ReactNode[] = [];
    if (crashLoop) {
      const waitMs = crashLoop.nextStartAtMs - nowMs;
      notes.push(
        <div className="note bad" key={`${id} crash`}>
          <p>
            <strong>{name} is crash-looping:</strong> {crashLoop.failures} containers failed one after the
            other; the next starts {waitMs > 0 ? `in ${Math.ceil(waitMs / 1_000)} s` : 'now'}.
          </p>
          <pre>{crashLoop.message}</pre>
        </div>,
      );
    }
    if (unplaceable !== undefined) {
      notes.push(
        <div className="note warn" key={`${id} place`}>
          <p>
            <strong>{name} waits for a machine:</strong> {sentence(unplaceable)}
          </p>
        </div>,
      );
    }
    return notes;
  });
}
