/** Time, as an argument: tests hold it still. */
export interface Clock {
  /** Milliseconds since the epoch, for what others read. */
  wallMs(): number;
  /** Milliseconds that only grow, for deadlines and leases of this process. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
