/** What the choice between containers looks at. */
export interface Candidate {
  readonly status: { readonly version: number };
  readonly isUsable: boolean;
  readonly hasFreeSlot: boolean;
  readonly load: number;
}

/**
 * Picks the container for a request: of those with a free slot, one of the newest version that is ready, and of
 * these the one with the least to do. Containers of an older version serve only while none of `version` is
 * ready: a new deployment takes over once it has started.
 */
export function chooseContainer<T extends Candidate>(
  candidates: Iterable<T>,
  version: number,
  excluded?: ReadonlySet<T>,
): T | undefined {
  let best: T | undefined;
  let isCurrentReady = false;
  for (const candidate of candidates) {
    if (!candidate.isUsable || excluded?.has(candidate)) continue;
    const isCurrent = candidate.status.version >= version;
    if (isCurrent && !isCurrentReady) {
      isCurrentReady = true;
      best = undefined;
    }
    if (isCurrent !== isCurrentReady || !candidate.hasFreeSlot) continue;
    if (!best || isBetter(candidate, best)) best = candidate;
  }
  return best;
}

function isBetter(candidate: Candidate, best: Candidate): boolean {
  if (candidate.status.version !== best.status.version) return candidate.status.version > best.status.version;
  return candidate.load < best.load;
}
