import type { ApiClient } from '../api-client.ts';
import type { Connection } from '../connection.ts';
import { printLogEntry } from '../print-log-entry.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { holdApp } from './hold-app.ts';

export interface EphemeralAppOptions {
  appId: string;
  client: ApiClient;
  connection: Connection;
  terminal: Terminal;
  /** The app goes on after `close`. */
  detach?: boolean;
  /** Prints only what the user's code printed, not what the platform did. */
  quiet?: boolean;
  /** How long `close` waits for what the containers of a stopped app have left to say. */
  logsTimeoutMs: number;
}

/** The logs of an app that goes on do not end. */
const DETACHED_LOGS_MS = 1_500;

/** An app that lives as long as this command: held by a session, its logs printed, stopped at the end. */
export class EphemeralApp {
  readonly #options: EphemeralAppOptions;
  readonly #hold: { close(): Promise<void> };
  readonly #logs: Promise<void>;
  readonly #endLogs = new AbortController();
  #closing = false;

  private constructor(options: EphemeralAppOptions, hold: { close(): Promise<void> }) {
    this.#options = options;
    this.#hold = hold;
    this.#logs = this.#printLogs();
  }

  static async open(options: EphemeralAppOptions): Promise<EphemeralApp> {
    return new EphemeralApp(options, await holdApp(options.connection, options.appId));
  }

  /** Stops the app, unless it is detached, and prints what its containers had left to say. */
  async close(): Promise<void> {
    const { appId, client, detach, logsTimeoutMs } = this.#options;
    this.#closing = true;
    try {
      if (!detach) await client.stopApp(appId);
    } finally {
      const timer = setTimeout(
        () => this.#endLogs.abort(),
        detach ? Math.min(DETACHED_LOGS_MS, logsTimeoutMs) : logsTimeoutMs,
      );
      await this.#logs;
      clearTimeout(timer);
      await this.#hold.close();
    }
  }

  async #printLogs(): Promise<void> {
    const { appId, client, terminal, quiet } = this.#options;
    const { signal } = this.#endLogs;
    try {
      for await (const entry of client.readLogs(appId, { follow: true, signal })) {
        // That containers come and go is no news to somebody who waits for a result.
        if (entry.routine || (entry.stream === 'system' && (quiet || this.#closing))) continue;
        printLogEntry(entry, terminal);
      }
    } catch (error) {
      if (!signal.aborted) terminal.note(`(logs are no longer shown: ${(error as Error).message})`);
    }
  }
}
