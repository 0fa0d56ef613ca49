import type { LogEntry } from '@gantry/protocol';

import type { GatewayConfig } from '../config.ts';
import { inject, onePerGateway, TOKENS } from '../injection.ts';

/** Where lines go: the log of their app. */
export interface LogWriter {
  append(appId: string, containerId: string, batch: { entries: LogEntry[] }): Promise<void>;
}

/** A request that has ended. */
export interface EndedRequest {
  appId: string;
  functionName: string;
  /** Empty if it never reached one. */
  containerId: string;
  verb: string;
  /** Without the query, which may hold secrets. */
  path: string;
  status: number;
  durationMs: number;
}

const WRITE_EVERY_MS = 250;
/** Lines of one app between two writes: a function that answers thousands of requests a second has a count for the rest. */
const MAX_LINES = 250;
const MAX_PATH = 200;
/** What containers write goes under their ids, what belongs to none under this. */
const NO_CONTAINER = 'system';

/** Writes a line for each request into the log of its app, a few times a second, never waiting for it. */
@onePerGateway()
export class RequestLog {
  readonly #logs: LogWriter;
  readonly #config: GatewayConfig;
  /** Lines by app, and how many there were. */
  readonly #pending = new Map<string, { entries: LogEntry[]; requests: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(@inject(TOKENS.logs) logs: LogWriter, @inject(TOKENS.config) config: GatewayConfig) {
    this.#logs = logs;
    this.#config = config;
  }

  write(ended: EndedRequest): void {
    const pending = this.#pending.get(ended.appId) ?? { entries: [], requests: 0 };
    this.#pending.set(ended.appId, pending);
    pending.requests += 1;
    if (pending.requests <= MAX_LINES) pending.entries.push(toEntry(ended));
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_EVERY_MS).unref();
  }

  /** Writes what is pending. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const apps = [...this.#pending];
    this.#pending.clear();
    await Promise.all(apps.map(([appId, pending]) => this.#append(appId, pending)));
  }

  async #append(
    appId: string,
    { entries, requests }: { entries: LogEntry[]; requests: number },
  ): Promise<void> {
    const last = entries.at(-1);
    if (last && requests > entries.length) {
      const text = `… and ${requests - entries.length} more requests in ${WRITE_EVERY_MS} ms`;
      entries.push({ ...last, containerId: '', text });
    }
    const byContainer = new Map<string, LogEntry[]>();
    for (const entry of entries) {
      const under = entry.containerId || NO_CONTAINER;
      const own = byContainer.get(under);
      if (own) own.push(entry);
      else byContainer.set(under, [entry]);
    }
    for (const [containerId, own] of byContainer) {
      await this.#logs.append(appId, containerId, { entries: own }).catch((err: unknown) => {
        this.#config.log.warn({ err, appId }, 'lines about requests were lost');
      });
    }
  }
}

function toEntry(ended: EndedRequest): LogEntry {
  const { verb, path, status, durationMs, containerId, functionName } = ended;
  const shown = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
  const text = `${verb} ${shown} ${status} in ${Math.round(durationMs)} ms`;
  return { atMs: Date.now(), stream: 'system', routine: true, text, containerId, functionName };
}
