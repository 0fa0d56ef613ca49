import type { AppSummary } from '@gantry/protocol';

/** A sentence for each function whose containers fail one after the other: between two of them none is listed. */
export function crashLoopNotes(apps: readonly AppSummary[], nowMs: number): string[] {
  return apps.flatMap((app) =>
    app.functions.flatMap(({ name, crashLoop }) => {
      if (!crashLoop) return [];
      const { failures, nextStartAtMs, message } = crashLoop;
      const waitS = Math.max(0, Math.ceil((nextStartAtMs - nowMs) / 1000));
      const [reason = ''] = message.split('\n');
      const when = waitS === 0 ? 'now' : `in ${waitS} s`;
      return [
        `"${name}" of ${app.name ?? app.id} is crash-looping: ${failures} containers failed, the next starts ${when}. ${reason}`,
      ];
    }),
  );
}
