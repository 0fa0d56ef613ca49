/** The network by which containers of this worker and others reach each other. */
export interface PrivateNetwork {
  /** An address for a container, which no other one has until it is released. */
  take(): Promise<string>;
  /** Its container has ended. */
  release(address: string): void;
}
