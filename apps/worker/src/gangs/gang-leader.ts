import {
  type ClusterInfo,
  type ContainerExit,
  type GangMessage,
  InternalFailure,
  type Outcome,
  toWireError,
  type WorkerToRunner,
} from '@gantry/protocol';

import type { InputSurroundings } from '../containers/container-inputs.ts';
import type { ContainerProcessListener } from '../containers/container-process.ts';
import type { AssignedInput } from '../inputs/assigned-input.ts';
import type { GangLink } from './gang-link.ts';
import type { GangPart } from './gang-part.ts';
import { GangRun } from './gang-run.ts';
import { type GangOptions, GangTies } from './gang-ties.ts';

/** How long code that was aborted may take to end; then its whole gang is ended. */
const ABORT_GRACE_MS = 10_000;

type EndedMessage = Extract<GangMessage, { type: 'ended' }>;

/**
 * The container of rank 0 of a gang.
 *
 * Invariants
 *   G4. The container is ready when all are. It gets the next input when the code of every rank has ended.
 *   G5. When one of the others has ended, it ends, too, as if what happened had happened to it.
 */
export class GangLeader implements GangPart {
  readonly follows = false;
  readonly inputs: Partial<InputSurroundings>;
  readonly #options: GangOptions;
  readonly #ties: GangTies;
  readonly #link: GangLink;
  readonly #ready = new Set<number>();
  #listener: ContainerProcessListener | undefined;
  #send: (message: WorkerToRunner) => void = () => undefined;
  #run: GangRun | undefined;
  #grace: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(options: GangOptions) {
    this.#options = options;
    this.#ties = new GangTies(options, (from, message) => this.#receive(from, message));
    this.#link = this.#ties.link;
    this.inputs = { handOn: (input) => this.#handOn(input) };
  }

  info(address: string): Promise<ClusterInfo> {
    return this.#ties.info(address);
  }

  listen(
    listener: ContainerProcessListener,
    send: (message: WorkerToRunner) => void,
  ): ContainerProcessListener {
    this.#listener = listener;
    this.#send = send;
    return {
      ...listener,
      onMessage: (message) => {
        if (message.type === 'ready') return this.#isReady(0);
        if (message.type === 'output' && message.inputId === this.#run?.inputId) {
          return this.#take(0, message.outcome, message);
        }
        listener.onMessage(message);
      },
    };
  }

  sending(message: WorkerToRunner): void {
    if (message.type === 'preempt') this.#link.tellAll({ type: 'preempting' });
    if (message.type !== 'abort' || message.inputId !== this.#run?.inputId) return;
    this.#link.tellAll(message);
    this.#limit();
  }

  ended({ reason, message = reason }: ContainerExit): void {
    this.#hasEnded = true;
    clearTimeout(this.#grace);
    this.#link.tellAll({ type: 'ended', reason, message });
    this.#link.close();
  }

  #handOn({ message }: AssignedInput): void {
    this.#run = new GangRun(message.inputId, this.#options.place.containerIds.length);
    this.#link.tellAll({ type: 'run', input: message });
  }

  #receive(from: number, message: GangMessage): void {
    if (this.#hasEnded) return;
    const host = this.#options.host();
    switch (message.type) {
      case 'ready':
        return this.#isReady(from);
      case 'output':
        if (message.inputId === this.#run?.inputId) this.#take(from, message.outcome, message);
        return;
      case 'stopFetching':
        return this.#listener?.onMessage({ type: 'stopFetching' });
      case 'preempting':
        return host.preempt(`${this.#ties.nameOf(from)} is preempted`);
      case 'ended':
        return this.#otherEnded(from, message);
      default:
    }
  }

  #isReady(rank: number): void {
    this.#ready.add(rank);
    if (this.#ready.size < this.#options.place.containerIds.length) return;
    this.#link.isUp = true;
    this.#listener?.onMessage({ type: 'ready' });
  }

  #take(
    rank: number,
    outcome: Outcome | undefined,
    times: { startedAtMs?: number; finishedAtMs: number },
  ): void {
    const run = this.#run;
    if (!run) return;
    const isFirst = !run.hasFailed;
    run.take(rank, outcome, times);
    if (!outcome) this.#options.host().preempt(`${this.#ties.nameOf(rank)} is preempted`);
    if (run.isComplete) return this.#finish(run);
    if (isFirst && run.hasFailed) this.#abortOthers(run);
  }

  /** The attempt has failed: nobody needs to go on. */
  #abortOthers({ inputId, missing }: GangRun): void {
    const abort = { type: 'abort', inputId, reason: 'cancelled' } as const;
    for (const rank of missing) {
      if (rank === 0) this.#send(abort);
      else this.#link.tell(rank, abort);
    }
    this.#limit();
  }

  #limit(): void {
    this.#grace ??= setTimeout(() => this.#endStuck(), ABORT_GRACE_MS);
  }

  #endStuck(): void {
    const run = this.#run;
    if (!run || this.#hasEnded) return;
    const names = run.missing.join(', ');
    const { size } = run;
    this.#options
      .host()
      .kill(
        'killed',
        `of its gang of ${size}, rank ${names} did not end within ${ABORT_GRACE_MS} ms after its abort`,
      );
    // It is the failure that its caller is told, not what had to be done about the others.
    if (run.hasFailed) this.#finish(run);
  }

  #finish(run: GangRun): void {
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#run = undefined;
    this.#listener?.onMessage(run.output(interrupted(run.inputId)));
  }

  #otherEnded(rank: number, { reason, message, error }: EndedMessage): void {
    const text = `${this.#ties.nameOf(rank)} ended: ${message}`;
    const host = this.#options.host();
    if (reason === 'loadFailed' && error && this.#listener) {
      return this.#listener.onMessage({ type: 'loadFailed', error, message: text });
    }
    // Whoever stops one of them wants the gang gone, and what it has done elsewhere.
    host.kill(reason === 'stopped' ? 'preempted' : reason, text);
  }
}

function interrupted(inputId: string): Outcome {
  const error = new InternalFailure(`the gang of input "${inputId}" is preempted: the input runs elsewhere`);
  return { type: 'failure', failure: toWireError(error) };
}
