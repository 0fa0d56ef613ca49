import { GantryError } from '@gantry/protocol';
import type { Connection } from 'gantry/internal';

import { AppLogsView, type AppLogsViewOptions } from './app-logs-view.ts';
import { holdApp } from './hold-app.ts';

export interface EphemeralAppOptions extends AppLogsViewOptions {
  connection: Connection;
  /** The app goes on after `close`. */
  detach?: boolean;
  /** How long `close` waits for what the containers of a stopped app have left to say. */
  logsTimeoutMs: number;
}

/** The logs of an app that goes on do not end. */
const DETACHED_LOGS_MS = 1_500;

/** An app that lives as long as this command: held by a session, its logs printed, stopped at the end. */
export class EphemeralApp {
  readonly #options: EphemeralAppOptions;
  readonly #hold: { close(): Promise<void> };
  readonly #logs: AppLogsView;
  #isClosing = false;

  private constructor(options: EphemeralAppOptions, hold: { close(): Promise<void> }) {
    this.#options = options;
    this.#hold = hold;
    this.#logs = new AppLogsView(options);
  }

  static async open(options: EphemeralAppOptions): Promise<EphemeralApp> {
    return new EphemeralApp(options, await holdApp(options.connection, options.appId));
  }

  /** Aborted, with what to say, if somebody else stops the app. */
  get stoppedElsewhere(): AbortSignal {
    const stopped = new AbortController();
    void this.#logs.printed.then((hasEnded) => {
      if (hasEnded && !this.#isClosing) stopped.abort(stoppedElsewhere(this.#options.appId));
    });
    return stopped.signal;
  }

  /** Stops the app, unless it is detached, and prints what its containers had left to say. */
  async close(): Promise<void> {
    const { appId, client, detach, logsTimeoutMs } = this.#options;
    this.#isClosing = true;
    this.#logs.expectEnd();
    try {
      if (!detach) await client.stopApp(appId);
    } finally {
      await this.#logs.end(detach ? Math.min(DETACHED_LOGS_MS, logsTimeoutMs) : logsTimeoutMs);
      await this.#hold.close();
    }
  }
}

function stoppedElsewhere(appId: string): GantryError {
  return new GantryError('CANCELLED', `app "${appId}" was stopped from elsewhere`, {
    hint: 'By `gantry app stop`, in the dashboard, or with its environment. Run it again if it shall go on.',
  });
}
