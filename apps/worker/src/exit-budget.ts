import type { ContainerStatus } from '@gantry/protocol';

/** What all ends in one report may take: it has to fit into a message, however many containers ended at once. */
const MOST_BYTES = 256 * 1024;
const SHORT_CHARS = 200;

/** Statuses as they are reported: ends that would take too much room are told in short, the last ones first. */
export function withinBudget(containers: readonly ContainerStatus[]): ContainerStatus[] {
  let leftBytes = MOST_BYTES;
  return containers.map((container) => {
    const { exit } = container;
    if (!exit) return container;
    const { error, message = '' } = exit;
    leftBytes -= (error?.length ?? 0) + Buffer.byteLength(message);
    if (leftBytes >= 0) return container;
    return { ...container, exit: { ...exit, error: undefined, message: message.slice(0, SHORT_CHARS) } };
  });
}
