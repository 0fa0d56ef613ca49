import { useSyncExternalStore } from 'react';

import type { BrowserSessionReply, BrowserSessionRequest } from '@gantry/protocol';

import { problemOf } from './problem.ts';

// One half of the session: the other is a cookie that no script can read. Neither is worth anything alone.
const STORED = 'gantry.session-key';
const listeners = new Set<() => void>();

/** The key that goes with each request; undefined while nobody is signed in. */
export function sessionKey(): string | undefined {
  return localStorage.getItem(STORED) ?? undefined;
}

export function useSessionKey(): string | undefined {
  return useSyncExternalStore(subscribe, sessionKey);
}

/** @throws Problem if the code or token is not good. */
export async function signIn(request: BrowserSessionRequest): Promise<void> {
  const response = await fetch('/v1/browser/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw await problemOf(response);
  const { key } = (await response.json()) as BrowserSessionReply;
  localStorage.setItem(STORED, key);
  tell();
}

export async function signOut(): Promise<void> {
  const key = sessionKey();
  forgetSession();
  if (key === undefined) return;
  await fetch('/v1/browser/session', { method: 'DELETE', headers: { 'gantry-session-key': key } });
}

/** The server does not know this browser any more. */
export function forgetSession(): void {
  localStorage.removeItem(STORED);
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

// Other tabs sign in and out, too.
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', listener);
  };
}
