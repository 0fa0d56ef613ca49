import { createLogger, type Logger } from '@gantry/telemetry';

import type { CommandContext } from '../command.ts';
import { prepareDataDir } from '../platform/data-dir.ts';
import type { Stoppable } from '../platform/parts.ts';
import { stopSignal } from '../stop-signal.ts';

interface PartOptions<TPart> {
  name: string;
  dataDir: string;
  start(log: Logger): Promise<TPart>;
  /** One JSON-safe object that says where the part is. */
  describe(part: TPart): Record<string, unknown>;
}

/** Runs one program of the platform until Ctrl-C or SIGTERM. */
export async function runPart<TPart extends Stoppable>(
  { terminal }: CommandContext,
  { name, dataDir, start, describe }: PartOptions<TPart>,
): Promise<void> {
  const stop = stopSignal();
  await prepareDataDir(dataDir);
  const part = await start(createLogger({ name, pretty: process.stderr.isTTY === true }));
  terminal.out(JSON.stringify({ event: 'ready', pid: process.pid, ...describe(part) }));
  if (!stop.signal.aborted) {
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  }
  await part.stop();
}
