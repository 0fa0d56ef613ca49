import type { ExecProcess } from '@gantry/containers';
import type { Messaging } from '@gantry/messaging';
import type { ExecRequest } from '@gantry/protocol';

import { ExecSession } from './exec-session.ts';

/** How long a container that was made for a shell waits for it. */
const SHELL_DUE_MS = 30_000;

/** A container, as far as programs that run in it go. */
export interface ExecHost {
  readonly containerId: string;
  readonly ended: Promise<void>;
  readonly isShell: boolean;
  exec(request: ExecRequest): Promise<ExecProcess>;
  stop(reason: string): void;
}

/** The programs that clients run in the containers of this worker. */
export class Execs {
  readonly #messaging: Pick<Messaging, 'publish' | 'subscribe'>;
  /** Containers that wait for their shell, each with the timer that ends the wait. */
  readonly #expected = new Map<string, NodeJS.Timeout>();

  constructor(messaging: Pick<Messaging, 'publish' | 'subscribe'>) {
    this.#messaging = messaging;
  }

  /** Runs a program for a client. A container that is there for a shell ends with it. */
  run(host: ExecHost, { execId, request }: { execId: string; request: ExecRequest }): void {
    const session = new ExecSession({
      execId,
      messaging: this.#messaging,
      open: () => host.exec(request),
      containerEnded: host.ended,
    });
    this.#arrived(host.containerId);
    void session.run().then(() => {
      if (host.isShell) host.stop('its shell has ended');
    });
  }

  /** Ends a container that was made for a shell if none comes. */
  expectShell(host: ExecHost): void {
    const timer = setTimeout(() => host.stop('no shell came'), SHELL_DUE_MS);
    this.#expected.set(host.containerId, timer.unref());
    void host.ended.then(() => this.#arrived(host.containerId));
  }

  #arrived(containerId: string): void {
    clearTimeout(this.#expected.get(containerId));
    this.#expected.delete(containerId);
  }
}
