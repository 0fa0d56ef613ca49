import type { PrivateLink } from '@gantry/containers';

/** The network by which containers of this worker and others reach each other. */
export interface PrivateNetwork {
  /**
   * A place for a container, with an address that no other one has until it is released.
   *
   * @param onLost - Called if the container reaches nobody any more.
   * @throws ContainerError if this machine lacks what is needed for it.
   */
  take(onLost: () => void): Promise<PrivateLink>;
  /** Its container has ended. */
  release(link: PrivateLink): void;
  /** After all of its containers. */
  close(): Promise<void>;
}
