import { type ContainerStatus, WORKER_HEARTBEAT_MS } from '@gantry/protocol';

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
  const isOver = () => {
    const app = apps.get(appId);
    if (app && app.state !== 'stopped') return false;
    return isGone(workers, (container) => container.appId === appId);
  };
  return lastWords(isOver, signal);
}

/** The same for one container. */
export function containerEnd(
  containerId: string,
  { workers }: Pick<AppEndOptions, 'workers'>,
  signal: AbortSignal,
): Promise<void> {
  return lastWords(() => isGone(workers, (container) => container.containerId === containerId), signal);
}

function isGone(
  workers: AppEndOptions['workers'],
  isMeant: (container: ContainerStatus) => boolean,
): boolean {
  // Until then there may be containers that this server has not heard of.
  if (Date.now() - workers.sinceMs < WORKER_HEARTBEAT_MS) return false;
  return !workers.containers().some(({ container }) => isMeant(container));
}

function lastWords(isOver: () => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let goneSinceMs: number | undefined;
    const check = () => {
      const nowMs = Date.now();
      if (!isOver()) goneSinceMs = undefined;
      else if (nowMs - (goneSinceMs ??= nowMs) >= LAST_WORDS_MS) end();
    };
    const end = () => {
      clearInterval(timer);
      resolve();
    };
    const timer = setInterval(check, CHECK_EVERY_MS);
    signal.addEventListener('abort', end, { once: true });
  });
}
