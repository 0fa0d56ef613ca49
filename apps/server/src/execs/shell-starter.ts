import {
  type FunctionRecord,
  InternalFailure,
  newId,
  NotFoundError,
  ResourceExhaustedError,
  subjects,
  type WorkerCommand,
  type WorkerReply,
  type WorkerStatus,
} from '@gantry/protocol';
import {
  chooseGpus,
  describeNeed,
  difference,
  hasRoom,
  isWhere,
  machineResources,
  noResources,
  resourceNeed,
  type Resources,
  sum,
  traitsOf,
} from '@gantry/scheduling';

import type { HttpServerOptions } from '../http-server.ts';
import type { ExecPlace } from './exec-relay.ts';

/**
 * Starts containers that are there for a shell alone: made as those of a function are, but with none of its code
 * loaded and no inputs. They are asked for by a person, not by work, so not the scheduler places them; it counts
 * what they take of their machines.
 */
export class ShellStarter {
  readonly #options: Pick<HttpServerOptions, 'functions' | 'workers' | 'messaging'>;

  constructor(options: Pick<HttpServerOptions, 'functions' | 'workers' | 'messaging'>) {
    this.#options = options;
  }

  /**
   * @throws NotFoundError if there is no such function, ResourceExhaustedError if no machine has room,
   *   InternalFailure if there is no machine, or none that takes it.
   */
  async start(functionId: string): Promise<ExecPlace> {
    const record = await this.#options.functions.fetch(functionId);
    if (!record || record.stopped) {
      throw new NotFoundError(`function "${functionId}" does not exist, or its app is stopped`);
    }
    const containerId = newId('ta');
    let refusal = '';
    for (const worker of this.#roomiest(record)) {
      const { workerId } = worker;
      const gpus = gpusOn(worker, record);
      const command: WorkerCommand = { type: 'shell', containerId, record, ...(gpus?.length && { gpus }) };
      const reply = await this.#options.messaging.request<WorkerReply>(subjects.worker(workerId), command);
      if (reply.ok) return { workerId, containerId };
      refusal = reply.message ?? 'refused';
    }
    throw new InternalFailure(`no worker started a container for "${record.spec.name}": ${refusal}`);
  }

  /** The machines that have room, the one with most of it first. */
  #roomiest(record: FunctionRecord): WorkerStatus[] {
    const workers = this.#options.workers.statuses().filter(({ draining }) => !draining);
    if (workers.length === 0) {
      throw new InternalFailure('no worker is connected', { hint: 'Start one: `gantry worker`.' });
    }
    const { options } = record.spec;
    const need = resourceNeed(options);
    const free = new Map(workers.map((worker) => [worker, this.#free(worker)]));
    const able = workers.filter(
      (worker) =>
        isWhere(options, traitsOf(worker)) &&
        hasRoom(free.get(worker) ?? noResources(), noResources(), need) &&
        gpusOn(worker, record) !== undefined,
    );
    if (able.length === 0) {
      throw new ResourceExhaustedError(
        `no machine has room for a container of "${record.spec.name}" (${describeNeed(options)})`,
        { hint: 'Wait, stop a container, or add a machine.' },
      );
    }
    return able.sort((a, b) => (free.get(b)?.memoryMiB ?? 0) - (free.get(a)?.memoryMiB ?? 0));
  }

  #free({ capacity, containers }: WorkerStatus): Resources {
    const running = containers.filter(({ state }) => state !== 'stopped');
    const needs = running.map(({ functionId }) =>
      resourceNeed(this.#options.functions.get(functionId)?.spec.options ?? {}),
    );
    return difference(machineResources(capacity), needs.reduce(sum, noResources()));
  }
}

/** GPUs for a container that nobody uses now; undefined if there are not enough. */
function gpusOn({ capacity, containers }: WorkerStatus, { spec }: FunctionRecord): number[] | undefined {
  const running = containers.filter(({ state }) => state !== 'stopped');
  const taken = new Set(running.flatMap(({ gpus = [] }) => gpus));
  return chooseGpus(capacity.gpus ?? [], taken, spec.options.gpu);
}
