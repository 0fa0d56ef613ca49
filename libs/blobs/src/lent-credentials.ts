import type { LentCredentials } from '@gantry/protocol';

/** Gives out the same until half of its time has gone: whoever uses it gets new ones long before they run out. */
export function untilHalfGone(lend: () => Promise<LentCredentials>): () => Promise<LentCredentials> {
  let last: { credentials: Promise<LentCredentials>; untilMs: number } | undefined;
  return () => {
    if (last && Date.now() < last.untilMs) return last.credentials;
    const current = { credentials: lend(), untilMs: Infinity };
    last = current;
    current.credentials.then(
      ({ expiresAtMs }) => (current.untilMs = (Date.now() + expiresAtMs) / 2),
      () => (current.untilMs = 0),
    );
    return current.credentials;
  };
}
