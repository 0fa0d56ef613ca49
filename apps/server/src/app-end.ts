import { WORKER_HEARTBEAT_MS } from '@gantry/protocol';

import type { AppDirectory } from './app-directory.ts';
import type { WorkerObserver } from './worker-observer.ts';

export interface AppEndOptions {
  apps: Pick<AppDirectory, 'get'>;
  workers: Pick<WorkerObserver, 'containers' | 'sinceMs'>;
}

const CHECK_EVERY_MS = 100;
/** Workers send what containers printed last a moment after they report their end. */
const LAST_WORDS_MS = 400;

/** Resolves when an app has stopped, its containers are gone, and what they printed has had time to arrive. */
export function appEnd(appId: string, { apps, workers }: AppEndOptions, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let goneSinceMs: number | undefined;
    const check = () => {
      const nowMs = Date.now();
      if (!isGone()) goneSinceMs = undefined;
      else if (nowMs - (goneSinceMs ??= nowMs) >= LAST_WORDS_MS) end();
    };
    const isGone = () => {
      const app = apps.get(appId);
      if (app && app.state !== 'stopped') return false;
      // Until then there may be containers that this server has not heard of.
      if (Date.now() - workers.sinceMs < WORKER_HEARTBEAT_MS) return false;
      return !workers.containers().some(({ container }) => container.appId === appId);
    };
    const end = () => {
      clearInterval(timer);
      resolve();
    };
    const timer = setInterval(check, CHECK_EVERY_MS);
    signal.addEventListener('abort', end, { once: true });
  });
}
