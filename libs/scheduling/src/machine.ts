import type { GpuDevice } from '@gantry/protocol';

import { type FleetContainer, isIdle, isLeaving } from './fleet-container.ts';
import { kindOf } from './gpu-types.ts';
import { difference, greater, hasRoom, noResources, type Resources, sum } from './placement.ts';
import { isWhere, type MachineTraits, type Whereabouts } from './whereabouts.ts';

/** A machine, and what is taken of it. The sums are kept as containers come, change and go. */
export class Machine {
  readonly workerId: string;
  capacity: Resources;
  gpus: readonly GpuDevice[] = [];
  traits: MachineTraits = {};
  zone = '';
  /** Whether it takes new containers. */
  isOpen = false;
  /** Idle containers whose pools can do without one. */
  readonly offered = new Map<string, FleetContainer>();
  /** Pools that wait here for containers to leave, with the number of containers that they wait to start. */
  readonly promisedTo = new Map<string, number>();

  /** Taken by all containers that are there now. */
  #used = noResources();
  /** By those that stay. */
  #staying = noResources();
  /** By the offered ones. */
  #onOffer = noResources();
  #promised = noResources();
  readonly #onChance: (machine: Machine) => void;
  readonly #stays = new Set<string>();
  readonly #byFunction = new Map<string, number>();
  /** By GPU in use, the container that has it. */
  readonly #gpuUsers = new Map<number, string>();

  /** `onChance` is called when more room could be made here than before. */
  constructor(workerId: string, capacity: Resources, onChance: (machine: Machine) => void = () => undefined) {
    this.workerId = workerId;
    this.capacity = capacity;
    this.#onChance = onChance;
  }

  /** What nobody else can have: used now, or by those that stay and those that were promised room. */
  get reserved(): Resources {
    return greater(this.#used, sum(this.#staying, this.#promised));
  }

  /** The same once all that leaves has left. */
  get reservedSoon(): Resources {
    return sum(this.#staying, this.#promised);
  }

  /** The larger part that is taken of its cores or its memory: GPUs and disk are asked for by few. */
  get fullness(): number {
    const { cpu, memoryMiB } = this.reserved;
    return Math.max(
      cpu / Math.max(this.capacity.cpu, 1e-9),
      memoryMiB / Math.max(this.capacity.memoryMiB, 1e-9),
    );
  }

  /** Whether containers that belong there may be here. */
  isAt(where: Whereabouts | undefined): boolean {
    if (where === undefined) return true;
    return (where.zone === undefined || where.zone === this.zone) && isWhere(where, this.traits);
  }

  /** GPUs for a new container, by index: of the right kind, and in no other one. */
  freeGpus({ gpus = {} }: Resources): number[] {
    return Object.entries(gpus).flatMap(([kind, count]) => {
      const free = this.gpus.filter((device) => kindOf(device) === kind && !this.#gpuUsers.has(device.index));
      return free.slice(0, count).map(({ index }) => index);
    });
  }

  countOf(functionId: string): number {
    return this.#byFunction.get(functionId) ?? 0;
  }

  add(container: FleetContainer): void {
    this.#used = sum(this.#used, container.need);
    for (const index of container.gpus ?? []) this.#gpuUsers.set(index, container.containerId);
    this.#byFunction.set(container.functionId, this.countOf(container.functionId) + 1);
    this.#setStaying(container, !isLeaving(container));
  }

  remove(container: FleetContainer): void {
    this.setOffered(container, false);
    this.#setStaying(container, false);
    this.#used = difference(this.#used, container.need);
    for (const index of container.gpus ?? []) this.#freeGpu(index, container.containerId);
    const left = this.countOf(container.functionId) - 1;
    if (left > 0) this.#byFunction.set(container.functionId, left);
    else this.#byFunction.delete(container.functionId);
  }

  /** A container changed its state or its load. True if it makes room thereby. */
  change(container: FleetContainer): boolean {
    if (!isIdle(container)) this.setOffered(container, false);
    const leaves = isLeaving(container) && this.#stays.has(container.containerId);
    this.#setStaying(container, !isLeaving(container));
    return leaves;
  }

  setOffered(container: FleetContainer, isOffered: boolean): void {
    if (this.offered.has(container.containerId) === isOffered) return;
    if (isOffered) {
      this.offered.set(container.containerId, container);
      this.#onChance(this);
    } else this.offered.delete(container.containerId);
    this.#onOffer = (isOffered ? sum : difference)(this.#onOffer, container.need);
  }

  /** Counts a container as leaving before it is, or no longer. */
  setLeaving(container: FleetContainer, leaves: boolean): void {
    if (leaves) this.setOffered(container, false);
    this.#setStaying(container, !leaves && !isLeaving(container));
  }

  /** Counts room as taken by a container that is only considered, or no longer. */
  hold(need: Resources, isTaken: boolean): void {
    this.#used = (isTaken ? sum : difference)(this.#used, need);
    this.#staying = (isTaken ? sum : difference)(this.#staying, need);
  }

  promise(pool: string, need: Resources): void {
    this.#promised = sum(this.#promised, need);
    this.promisedTo.set(pool, (this.promisedTo.get(pool) ?? 0) + 1);
  }

  withdraw(pool: string, need: Resources): void {
    this.#onChance(this);
    this.#promised = difference(this.#promised, need);
    const left = (this.promisedTo.get(pool) ?? 0) - 1;
    if (left > 0) this.promisedTo.set(pool, left);
    else this.promisedTo.delete(pool);
  }

  /** False if room cannot be made, not even without everything on offer. */
  couldHaveRoom(need: Resources): boolean {
    return hasRoom(this.capacity, difference(this.reservedSoon, this.#onOffer), need);
  }

  #freeGpu(index: number, containerId: string): void {
    if (this.#gpuUsers.get(index) === containerId) this.#gpuUsers.delete(index);
  }

  #setStaying(container: FleetContainer, stays: boolean): void {
    if (this.#stays.has(container.containerId) === stays) return;
    this.#onChance(this);
    if (stays) this.#stays.add(container.containerId);
    else this.#stays.delete(container.containerId);
    this.#staying = (stays ? sum : difference)(this.#staying, container.need);
  }
}
