import type { ClusterInfo, ContainerExit, ContainerStatus, WorkerToRunner } from '@gantry/protocol';

import type { ContainerProcessListener } from '../containers/container-process.ts';
import type { InputSurroundings } from '../containers/container-inputs.ts';
import type { AssignedInput } from '../inputs/assigned-input.ts';

/** A container, as its part in a gang sees it. */
export interface GangHost {
  readonly status: Pick<ContainerStatus, 'state'>;
  run(input: AssignedInput): void;
  stop(reason: string): void;
  preempt(reason: string): void;
  kill(reason: ContainerExit['reason'], message: string): void;
}

/** What a container does as one of a gang: it stands between the container and its process. */
export interface GangPart {
  /** Its inputs come from the leader, and not from the queue. */
  readonly follows: boolean;
  /** What is other for its inputs than where containers are alone. */
  readonly inputs: Partial<InputSurroundings>;
  /** Tells the others where it is, and waits until all have done so. */
  info(address: string): Promise<ClusterInfo>;
  /** Hears what the process says before the container does. */
  listen(
    listener: ContainerProcessListener,
    send: (message: WorkerToRunner) => void,
  ): ContainerProcessListener;
  /** The container says something to its process. */
  sending(message: WorkerToRunner): void;
  /** The container has ended. */
  ended(exit: ContainerExit): void;
}
