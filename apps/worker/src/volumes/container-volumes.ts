import { setTimeout as delay } from 'node:timers/promises';

import type { ContainerVolume } from '@gantry/containers';
import type { MountedVolume } from '@gantry/mounts';
import {
  type Environments,
  GantryError,
  isGantryError,
  NotFoundError,
  toWireError,
  type RunnerToWorker,
  type WireError,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { VolumeUser, WorkerVolumes } from './worker-volumes.ts';

/** Between commits that nobody asked for. */
const COMMIT_EVERY_MS = 5_000;
const RETRY_MS = 1_000;

export interface ContainerVolumesOptions extends Omit<VolumeUser, 'assertOwn'> {
  /** The id of that of its app. */
  environment: string;
  environments: Pick<Environments, 'idOf'>;
  /** True while no input that runs in the container can run elsewhere. */
  holdsLeases(): boolean;
  /** The container may not commit any more: inputs of it may run elsewhere. */
  onCutOff(): void;
  /** How long the last commit is tried again if it fails. */
  graceMs: number;
  /** Says to the user what the platform did, or could not do. */
  say(text: string): void;
  log: Logger;
}

/** The volumes that one container has, from before its start until after its end. */
export class ContainerVolumes {
  readonly #options: ContainerVolumesOptions;
  readonly #mounted: readonly MountedVolume[];
  /** Ids of their environments, in the same order. */
  readonly #places: Promise<string[]>;
  /** What the driver is to show in the container. */
  readonly shown: readonly ContainerVolume[];
  #isCutOff = false;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #committing: Promise<boolean> | undefined;
  /** What was said last of commits that nobody asked for: it is not repeated. */
  #said = '';

  constructor(options: ContainerVolumesOptions, volumes: Pick<WorkerVolumes, 'open'>) {
    this.#options = options;
    const { mounted, shown } = volumes.open({ ...options, assertOwn: () => this.#assertOwn() });
    this.#mounted = mounted;
    // Now: a mount that a call named says where its volume is by a name, which may be another one later.
    const { environments } = options;
    this.#places = Promise.all(mounted.map(({ mount }) => environments.idOf(mount.environment)));
    // Whoever needs it hears of it.
    this.#places.catch(() => undefined);
    this.shown = shown;
  }

  get isEmpty(): boolean {
    return this.#mounted.length === 0;
  }

  /** Some of them are network file systems: what a call wrote is to be in them when it has ended. */
  get isShared(): boolean {
    return this.#shared.length > 0;
  }

  /** Shows the newest versions, in the container that has started. */
  async open(): Promise<void> {
    await Promise.all(this.#mounted.map((volume) => volume.open()));
  }

  /** What the code wants; resolves to the answer. */
  async act(wanted: Extract<RunnerToWorker, { type: 'volume' }>): Promise<WireError | undefined> {
    const { name, environment = this.#options.environment } = wanted;
    try {
      const volumes = await this.#named(name, environment);
      if (volumes.length === 0) throw notHere(name);
      for (const volume of volumes) await (wanted.act === 'commit' ? volume.commit() : volume.reload());
      return undefined;
    } catch (error) {
      if (!isGantryError(error))
        this.#options.log.error({ err: error, volume: name }, `${wanted.act} failed`);
      return toWireError(asPlatformError(error));
    }
  }

  async #named(name: string, environment: string): Promise<MountedVolume[]> {
    const wanted = await this.#options.environments.idOf(environment);
    const places = await this.#places;
    return this.#mounted.filter(({ mount }, at) => mount.name === name && places[at] === wanted);
  }

  /** Commits what there is; never rejects. */
  async commit(): Promise<void> {
    await this.#commitAll();
  }

  /** Called before an input runs, when none runs: it sees what is in network file systems now. Never rejects. */
  async freshen(): Promise<void> {
    for (const volume of this.#shared) await volume.freshen().catch((error: unknown) => this.#sayOnce(error));
  }

  /** Called before an input runs that ran elsewhere: whoever had it can commit no more. */
  async fence(): Promise<void> {
    for (const volume of this.#mounted) await volume.fence();
  }

  /** An input of the container may run elsewhere: nothing of this container gets into the volumes any more. */
  cutOff(): void {
    if (this.#isCutOff || this.#mounted.every(({ mount }) => mount.readOnly)) return;
    this.#isCutOff = true;
    this.#options.onCutOff();
  }

  /** Commits every few seconds while something runs, and until nothing has changed any more. */
  running(count: number): void {
    this.#isRunning = count > 0;
    if (!this.#isRunning || this.isEmpty || this.#timer) return;
    this.#timer = setInterval(() => void this.#tick(), COMMIT_EVERY_MS);
  }

  /** The last commit, when nothing runs in the container any more; then it has no volumes. Never rejects. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const { graceMs } = this.#options;
    await this.#committing;
    const giveUpAtMs = performance.now() + graceMs;
    for (const volume of this.#mounted) await this.#commitLast(volume, giveUpAtMs);
    await this.close();
  }

  /** Without a commit. Never rejects. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#mounted.map((volume) => volume.close()));
    for (const result of closed) {
      if (result.status === 'rejected')
        this.#options.log.warn({ err: result.reason }, 'a volume is not removed');
    }
  }

  get #shared(): readonly MountedVolume[] {
    return this.#mounted.filter(({ mount }) => mount.shared);
  }

  #assertOwn(): void {
    if (!this.#options.holdsLeases()) this.cutOff();
    if (!this.#isCutOff) return;
    throw new GantryError('CONFLICT', 'the worker was cut off from the platform while inputs ran', {
      hint: 'They run again elsewhere, and what this container wrote since its last commit is dropped.',
    });
  }

  async #tick(): Promise<void> {
    if (this.#committing) return;
    const wasRunning = this.#isRunning;
    this.#committing = this.#commitAll();
    const hadChanges = await this.#committing;
    this.#committing = undefined;
    if (wasRunning || this.#isRunning || hadChanges) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #commitAll(): Promise<boolean> {
    let hadChanges = false;
    for (const volume of this.#mounted) {
      try {
        if (await volume.commit()) hadChanges = true;
      } catch (error) {
        this.#sayOnce(error);
      }
    }
    return hadChanges;
  }

  async #commitLast(volume: MountedVolume, giveUpAtMs: number): Promise<void> {
    for (;;) {
      try {
        await volume.commit();
        return;
      } catch (error) {
        // What the user or the platform's rules decide does not change.
        const isFinal = isGantryError(error) && error.blame === 'caller';
        if (isFinal || performance.now() > giveUpAtMs) return this.#sayOnce(error);
        await delay(RETRY_MS);
      }
    }
  }

  #sayOnce(error: unknown): void {
    const { say, log } = this.#options;
    const text = asPlatformError(error).message;
    if (!isGantryError(error)) log.error({ err: error }, 'a volume could not be committed');
    if (text === this.#said) return;
    this.#said = text;
    say(`not everything was committed: ${text}`);
  }
}

/** Errors of the file system name paths of this machine, which are nobody's business but the operator's. */
function asPlatformError(error: unknown): GantryError {
  if (isGantryError(error)) return error;
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  return new GantryError('INTERNAL', `the worker could not read or store the files (${code})`, {
    hint: 'The operator finds more in the log of the worker.',
    cause: error,
  });
}

function notHere(name: string): NotFoundError {
  return new NotFoundError(`this container does not have volume "${name}"`, {
    hint: "Add it to the function's options, volumes: { '/models': … }, and name it as there.",
  });
}
