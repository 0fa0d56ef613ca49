import type { AppSummary, ContainerSummary } from '@gantry/protocol';

type State = AppSummary['state'] | ContainerSummary['state'] | 'crash-looping' | 'waiting';

/** A state, by a colour and a word. */
export function Badge({ state }: { state: State }) {
  return <span className={`badge ${state}`}>{state}</span>;
}

/** How an app is: what fails matters more than what it is. */
export function appState(app: AppSummary): State {
  if (app.state === 'stopped') return 'stopped';
  if (app.functions.some(({ crashLoop }) => crashLoop)) return 'crash-looping';
  return app.functions.some(({ unplaceable }) => unplaceable) ? 'waiting' : app.state;
}
