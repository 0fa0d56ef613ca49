import { type ClusterInfo, decodeValue, type RunnerToWorker } from '@gantry/protocol';

import { outcomeOfThrown } from './thrown-value.ts';

/** What the runner of a gang says: an error that the code threw names the rank that threw it, and stays what it is. */
export function ofRank(message: RunnerToWorker, { rank, size }: ClusterInfo): RunnerToWorker {
  if (message.type !== 'output' || message.outcome.type !== 'error') return message;
  const { error: encoded } = message.outcome;
  if (!(encoded instanceof Uint8Array)) return message;
  const thrown = decodeValue(encoded);
  if (!(thrown instanceof Error)) return message;
  const { message: text, stack } = thrown;
  const named = `rank ${rank} of ${size}: ${text}`;
  Object.defineProperty(thrown, 'message', { value: named, configurable: true, writable: true });
  if (stack !== undefined) thrown.stack = stack.replace(text, () => named);
  return { ...message, outcome: outcomeOfThrown(thrown) };
}
