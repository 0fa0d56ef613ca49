import { flushCompileCache } from 'node:module';

import { setContainerHost } from 'gantry/container';
import {
  ContainerError,
  type IdentityMessage,
  type LoadMessage,
  type RunnerToWorker,
  type WorkerToRunner,
} from '@gantry/protocol';

import { BatchLoop } from './batch-loop.ts';
import { CallerTerminal } from './caller-terminal.ts';
import { activeInput, type ActiveInput } from './current-input.ts';
import { ContainerSocket } from './container-socket.ts';
import type { FrameChannel } from './frame-channel.ts';
import { HostBridge } from './host-bridge.ts';
import { keepIdentityToken } from './identity-token.ts';
import { InputLoop } from './input-loop.ts';
import { InputSlots } from './input-slots.ts';
import { ofRank } from './rank-errors.ts';
import { Tunnels } from './tunnels.ts';
import { encodeThrown, messageOf, stackOf, trimStack } from './thrown-value.ts';
import { loadUserCode, type UserCode } from './user-code.ts';
import { preloadWeb, preloadWebValidation, startWebEndpoints, type WebEndpoints } from './web-endpoints.ts';

const HEARTBEAT_MS = 1_000;
const MOST_MESSAGE_CHARS = 1_000;
const LARGEST_LOG_CHARS = 1024 * 1024;
const CACHE_FLUSH_DELAY_MS = 2_000;
/** Where what a container writes is gone with it, writing is for nothing. */
const KEEPS_COMPILED = process.env['GANTRY_COMPILE_CACHE_ENDS'] === undefined;
const PRELOAD_WEB_DELAY_MS = 50;
const PRELOAD_VALIDATION_DELAY_MS = 1_000;

/**
 * The life of one container, from `hello` to the end of its process.
 *
 * Invariants (R1 to R5 are those of the messages, in `@gantry/protocol`)
 *   L1. `warm` → `loading` → `ready` → `stopping`, never back; `stop` may come in each of them.
 *   L2. The process ends through {@link Runner.#end} alone, so what was sent before is written first.
 */
export class Runner {
  readonly #channel: FrameChannel<WorkerToRunner, RunnerToWorker>;
  readonly #terminal: CallerTerminal;
  readonly #keepCompiled: () => void;
  #state: 'warm' | 'loading' | 'ready' | 'stopping' = 'warm';
  #stopRequested = false;
  #ended = false;
  #functionName = '';
  #host: HostBridge | undefined;
  #code: UserCode | undefined;
  #inputs: InputLoop | undefined;
  #batches: BatchLoop | undefined;
  #web: WebEndpoints | undefined;
  #tunnels: Tunnels | undefined;
  #hurry: () => void = () => undefined;
  readonly #isHurried = new Promise<void>((resolve) => (this.#hurry = resolve));

  /** @param keepCompiled - Has this program compiled for later processes. */
  constructor(channel: FrameChannel<WorkerToRunner, RunnerToWorker>, keepCompiled: () => void) {
    this.#channel = channel;
    this.#keepCompiled = keepCompiled;
    this.#terminal = new CallerTerminal((inputId, taker) =>
      channel.send({ type: 'interact', inputId, taker }),
    );
  }

  start(): void {
    this.#channel.listen({
      onMessage: (message) => this.#receive(message),
      onClose: () => process.exit(1),
    });
    this.#channel.send({ type: 'hello', pid: process.pid });
    this.#channel.flush();
  }

  /** Loads what only some functions need, a little later, if the container is still nobody's. */
  preload(): void {
    this.#ifWarmAfter(PRELOAD_WEB_DELAY_MS, preloadWeb);
    this.#ifWarmAfter(PRELOAD_VALIDATION_DELAY_MS, preloadWebValidation);
  }

  /** Something that the code prints. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    const inputId = activeInput()?.inputId;
    if (this.#terminal.show(inputId, text)) return;
    for (let at = 0; at < text.length; at += LARGEST_LOG_CHARS) {
      const piece = text.length > LARGEST_LOG_CHARS ? text.slice(at, at + LARGEST_LOG_CHARS) : text;
      this.#channel.send({ type: 'log', stream, text: piece, inputId });
    }
  }

  /** Finishes what runs, runs `@exit` hooks, ends the process with 0. */
  stop(): void {
    this.#stopRequested = true;
    if (this.#state === 'warm') {
      // Node writes what it compiled for its cache when it ends, and this belongs to it.
      this.#keepCompiled();
      this.#end(0);
    }
    // While loading, the end of loading sees the request.
    if (this.#state === 'ready') void this.#stop();
  }

  /**
   * Interrupts what runs (`SIGINT` listeners are called, `AbortSignal`s fire), then stops. Exit hooks wait for code
   * that goes on, but no longer than half the grace.
   */
  preempt(graceMs: number): void {
    if (this.#state !== 'warm') this.#callInterruptListeners();
    this.#inputs?.interrupt();
    this.#batches?.interrupt();
    setTimeout(() => this.#hurry(), graceMs / 2).unref();
    this.stop();
  }

  // Not by a signal, which would come too late for the listeners when nothing runs.
  #callInterruptListeners(): void {
    try {
      process.emit('SIGINT');
    } catch (thrown) {
      this.#log(`a SIGINT listener failed: ${stackOf(thrown) ?? messageOf(thrown)}\n`);
    }
  }

  /** Something failed outside every promise that the runner holds. */
  crash(thrown: unknown): void {
    const input = activeInput();
    if (input && (this.#inputs?.fail(input, thrown) || this.#batches?.fail(input, thrown))) return;
    if (this.#state === 'loading') return this.#loadFailed(thrown);
    this.#log(`uncaught: ${stackOf(thrown) ?? messageOf(thrown)}\n`);
    this.#channel.send({ type: 'crashed', message: messageOf(thrown).slice(0, MOST_MESSAGE_CHARS) });
    this.#end(1);
  }

  /**
   * The process ends in this turn. If that was the code's doing, its input fails: run again, it would only do the
   * same. Called outside every input, it was that of the only one that runs, if it was any's.
   */
  exiting(code: number): void {
    if (this.#ended) return;
    if (this.#state === 'loading') {
      return this.#sayLoadFailed(
        new ContainerError(`the code called process.exit(${code}) while it was loading`),
      );
    }
    this.#log(`the code called process.exit(${code}): its container ends\n`);
    const input = activeInput() ?? this.#onlyInput();
    if (!input) return;
    const error = new ContainerError(`the code of input "${input.inputId}" called process.exit(${code})`, {
      hint: 'Throw an error, or return: process.exit ends the container, with everything else that runs in it.',
    });
    if (!this.#inputs?.fail(input, error)) this.#batches?.fail(input, error);
  }

  #onlyInput(): ActiveInput | undefined {
    const [first, second] = [...(this.#inputs?.active() ?? []), ...(this.#batches?.active() ?? [])];
    return second ? undefined : first;
  }

  #ifWarmAfter(delayMs: number, preload: () => Promise<void>): void {
    setTimeout(() => {
      if (this.#state === 'warm') void preload();
    }, delayMs).unref();
  }

  #receive(message: WorkerToRunner): void {
    switch (message.type) {
      case 'run':
      case 'runBatch':
      case 'abort':
      case 'credit':
        return this.#receiveForInput(message);
      case 'api':
        return this.#host?.receive(message.message);
      case 'lookedUp':
      case 'volumeDone':
      case 'objectAnswer':
      case 'tunnelAnswer':
      case 'tableAnswer':
        return this.#host?.receiveAnswer(message.requestId, message);
      default:
        return this.#receiveForContainer(message);
    }
  }

  #receiveForContainer(
    message: Extract<WorkerToRunner, { type: 'identity' | 'load' | 'stop' | 'preempt' }>,
  ): void {
    switch (message.type) {
      case 'identity':
        return this.#keepIdentity(message);
      case 'load':
        return void this.#load(message);
      case 'stop':
        return this.stop();
      case 'preempt':
        return this.preempt(message.graceMs);
    }
  }

  #keepIdentity(message: IdentityMessage): void {
    try {
      keepIdentityToken(message);
    } catch (error) {
      this.#log(`the identity token could not be written to "${message.path}": ${messageOf(error)}\n`);
    }
  }

  #receiveForInput(
    message: Extract<WorkerToRunner, { type: 'run' | 'runBatch' | 'abort' | 'credit' }>,
  ): void {
    switch (message.type) {
      case 'run':
        return this.#inputs?.run(message);
      case 'runBatch':
        return this.#batches?.run(message);
      case 'abort':
        this.#inputs?.abort(message.inputId, message.reason);
        return this.#batches?.abort(message.inputId, message.reason);
      case 'credit':
        return this.#inputs?.credit(message.inputId, message.taken);
    }
  }

  async #load(load: LoadMessage): Promise<void> {
    this.#state = 'loading';
    this.#functionName = load.spec.name;
    setInterval(() => this.#channel.send({ type: 'heartbeat' }), HEARTBEAT_MS).unref();
    const send = (message: RunnerToWorker): void => {
      if (message.type === 'output') this.#terminal.end(message.inputId);
      this.#channel.send(load.cluster ? ofRank(message, load.cluster) : message);
    };
    try {
      Object.assign(process.env, load.env);
      // The directory was renamed when this process became the container; Node remembers the old name.
      process.chdir('.');
      const socket = new ContainerSocket(load.httpSocketPath);
      this.#terminal.useFolderOf(load.httpSocketPath);
      this.#tunnels = new Tunnels(socket);
      const [terminal, tunnels] = [this.#terminal, this.#tunnels];
      this.#host = new HostBridge(load, { terminal, tunnels, toWorker: send });
      setContainerHost(this.#host);
      this.#code = await loadUserCode(load.bundlePath, load.spec, load.parameters);
      await this.#code.enter();
      const slots = new InputSlots(load.maxInputs);
      this.#inputs = new InputLoop(this.#code, slots, send);
      this.#batches = new BatchLoop(this.#code, slots, send);
      if (load.spec.methods.some((method) => method.web)) {
        const onLost = (error: Error): void => this.crash(error);
        this.#web = await startWebEndpoints(load, { code: this.#code, slots, socket, send, onLost });
      }
    } catch (thrown) {
      return this.#loadFailed(thrown);
    }
    if (this.#ended) return;
    this.#state = 'ready';
    this.#channel.send({ type: 'ready' });
    this.#channel.flush();
    // Containers are often killed, and a killed process writes no compile cache.
    if (KEEPS_COMPILED) setTimeout(() => this.#flushCompiled(), CACHE_FLUSH_DELAY_MS).unref();
    if (this.#stopRequested) await this.#stop();
  }

  #flushCompiled(): void {
    flushCompileCache();
    this.#keepCompiled();
  }

  #loadFailed(thrown: unknown): void {
    this.#sayLoadFailed(thrown);
    this.#end(1);
  }

  #sayLoadFailed(thrown: unknown): void {
    const message = messageOf(thrown);
    const stack = trimStack(thrown);
    const failure = new ContainerError(`"${this.#functionName}" cannot start: ${message}`, {
      hint: 'Correct the code that runs while the container loads. The log of the app has the stack.',
      cause: thrown,
    });
    trimStack(failure);
    this.#channel.send({ type: 'loadFailed', error: encodeThrown(failure), message, stack });
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    const noInputs = Promise.all([this.#inputs?.idle(), this.#batches?.idle()]);
    // Those of hooks would be open for ever.
    void noInputs.then(() => this.#tunnels?.closeAll());
    const isIdle = Promise.all([noInputs, this.#web?.close()]);
    await (this.#code?.hasExitHooks ? Promise.race([isIdle, this.#isHurried]) : isIdle);
    await this.#code?.exit((hook, thrown) => {
      this.#log(`exit hook "${hook}" failed: ${stackOf(thrown) ?? messageOf(thrown)}\n`);
    });
    this.#end(0);
  }

  #log(text: string): void {
    this.#channel.send({ type: 'log', stream: 'stderr', text });
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#channel.flush(() => process.exit(code));
  }
}
