import type { LeaseStore } from '@gantry/messaging';

export interface StepLeaseOptions {
  leases: Pick<LeaseStore, 'acquire' | 'renew' | 'release'>;
  holder: string;
  signal: AbortSignal;
}

const RENEW_EVERY_MS = 1_000;
const ASK_AGAIN_MS = 500;

/**
 * Lets one server of all do a piece of work, unless it is done when its turn comes. A lease that is lost, because
 * nats-server was away, ends nothing: then two may build the same step, and either result is as good.
 *
 * @param work - `find` says what another one came to meanwhile.
 */
export async function withLease<T>(
  name: string,
  { leases, holder, signal }: StepLeaseOptions,
  work: { find(): Promise<T | undefined>; build(): Promise<T> },
): Promise<T> {
  let fence = await leases.acquire(name, holder);
  while (fence === undefined) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    signal.throwIfAborted();
    const found = await work.find();
    if (found !== undefined) return found;
    fence = await leases.acquire(name, holder);
  }
  let held: number | undefined = fence;
  const renewal = setInterval(() => {
    if (held === undefined) return;
    leases.renew(name, holder, held).then(
      (next) => (held = next),
      () => undefined,
    );
  }, RENEW_EVERY_MS);
  try {
    return await work.build();
  } finally {
    clearInterval(renewal);
    if (held !== undefined) await leases.release(name, held).catch(() => undefined);
  }
}
