import type { AppRecord } from '@gantry/protocol';

/** Where the dashboard shows an app: a deployment by its names, which outlive the app, any other by its id. */
export function pagePathOf(
  workspace: string,
  { id, name, environment, state }: Pick<AppRecord, 'id' | 'name' | 'environment' | 'state'>,
): string {
  if (state !== 'deployed' || name === undefined) return `/apps/${id}`;
  return `/apps/${[workspace, environment, name].map(encodeURIComponent).join('/')}`;
}
