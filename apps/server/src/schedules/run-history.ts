import type { Messaging } from '@gantry/messaging';
import type { OutputMessage, RunRecord, RunSummary } from '@gantry/protocol';

// After this long a call without input and output is lost, or older than the outputs that are kept.
const SUBMITTED_WITHIN_MS = 60_000;

/** The newest runs of a function, newest first, with how they ended. */
export async function runHistory(
  messaging: Messaging,
  functionId: string,
  limit: number,
): Promise<RunSummary[]> {
  const records = await messaging.runs.newest(functionId, limit);
  return await Promise.all(records.map((record) => summaryOf(messaging, record)));
}

/** What a failed run has to say for itself; undefined for one that succeeded. */
export function failureOf({ outcome }: OutputMessage): string | undefined {
  if (outcome.type === 'value') return undefined;
  if (outcome.type === 'failure') return `${outcome.failure.name}: ${outcome.failure.message}`;
  return outcome.stack?.split('\n')[0] ?? 'it threw what is no error';
}

async function summaryOf(messaging: Messaging, record: RunRecord): Promise<RunSummary> {
  const { tickMs, kind, callId, reason, ticks } = record;
  if (callId === undefined) return { tickMs, kind, outcome: 'none', message: reason, ticks };
  const output = await messaging.outputs.find(callId, 0);
  if (output) {
    const message = failureOf(output);
    const durationMs = output.finishedAtMs - output.startedAtMs;
    return {
      tickMs,
      kind,
      callId,
      outcome: message === undefined ? 'succeeded' : 'failed',
      durationMs,
      message,
    };
  }
  const open =
    Date.now() - record.atMs < SUBMITTED_WITHIN_MS || (await messaging.inputs.openInputs(callId)) > 0;
  if (open) return { tickMs, kind, callId, outcome: 'running' };
  return { tickMs, kind, callId, outcome: 'none', message: 'its result is not on record any more' };
}
