import type { AppSummary } from '@gantry/protocol';

/** A sentence for each function that no machine has room for. */
export function unplaceableNotes(apps: readonly AppSummary[]): string[] {
  return apps.flatMap((app) =>
    app.functions.flatMap(({ name, unplaceable }) =>
      unplaceable === undefined
        ? []
        : [`"${name}" of ${app.name ?? app.id} waits for a machine: ${unplaceable}`],
    ),
  );
}
