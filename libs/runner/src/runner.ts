import { flushCompileCache } from 'node:module';

import { setContainerHost } from 'gantry/internal';
import type { LoadMessage, RunnerToWorker, WorkerToRunner } from '@gantry/protocol';

import { BatchLoop } from './batch-loop.ts';
import { activeInput } from './current-input.ts';
import type { FrameChannel } from './frame-channel.ts';
import { HostBridge } from './host-bridge.ts';
import { InputLoop } from './input-loop.ts';
import { InputSlots } from './input-slots.ts';
import { encodeThrown, messageOf, stackOf } from './thrown-value.ts';
import { loadUserCode, type UserCode } from './user-code.ts';
import { preloadWeb, preloadWebValidation, startWebEndpoints, type WebEndpoints } from './web-endpoints.ts';

const HEARTBEAT_MS = 1_000;
const CACHE_FLUSH_DELAY_MS = 2_000;
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
  #state: 'warm' | 'loading' | 'ready' | 'stopping' = 'warm';
  #stopRequested = false;
  #ended = false;
  #host: HostBridge | undefined;
  #code: UserCode | undefined;
  #inputs: InputLoop | undefined;
  #batches: BatchLoop | undefined;
  #web: WebEndpoints | undefined;

  constructor(channel: FrameChannel<WorkerToRunner, RunnerToWorker>) {
    this.#channel = channel;
  }

  start(): void {
    this.#channel.listen({
      onMessage: (message) => this.#receive(message),
      onClose: () => process.exit(1),
    });
    this.#channel.send({ type: 'hello', pid: process.pid });
    this.#channel.flush();
    // A process that nobody needs at once was started ahead: it has time for what some functions need.
    this.#ifWarmAfter(PRELOAD_WEB_DELAY_MS, preloadWeb);
    this.#ifWarmAfter(PRELOAD_VALIDATION_DELAY_MS, preloadWebValidation);
  }

  /** Finishes what runs, runs `@exit` hooks, ends the process with 0. */
  stop(): void {
    this.#stopRequested = true;
    if (this.#state === 'warm') this.#end(0);
    // While loading, the end of loading sees the request.
    if (this.#state === 'ready') void this.#stop();
  }

  /** Something failed outside every promise that the runner holds. */
  crash(thrown: unknown): void {
    const input = activeInput();
    if (input && (this.#inputs?.fail(input, thrown) || this.#batches?.fail(input, thrown))) return;
    if (this.#state === 'loading') return this.#loadFailed(thrown);
    this.#log(`uncaught: ${stackOf(thrown) ?? messageOf(thrown)}\n`);
    this.#end(1);
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
        return this.#host?.receiveLookup(message.requestId, message);
      case 'load':
        return void this.#load(message);
      case 'stop':
        return this.stop();
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
    setInterval(() => this.#channel.send({ type: 'heartbeat' }), HEARTBEAT_MS).unref();
    const send = (message: RunnerToWorker): void => this.#channel.send(message);
    try {
      Object.assign(process.env, load.env);
      // The directory was renamed when this process became the container; Node remembers the old name.
      process.chdir('.');
      this.#host = new HostBridge(load, send);
      setContainerHost(this.#host);
      this.#code = await loadUserCode(load.bundlePath, load.spec, load.parameters);
      await this.#code.enter();
      const slots = new InputSlots(load.maxInputs);
      this.#inputs = new InputLoop(this.#code, slots, send);
      this.#batches = new BatchLoop(this.#code, slots, send);
      if (load.spec.methods.some((method) => method.web)) {
        this.#web = await startWebEndpoints(load, { code: this.#code, slots, send });
      }
    } catch (thrown) {
      return this.#loadFailed(thrown);
    }
    if (this.#ended) return;
    this.#state = 'ready';
    this.#channel.send({ type: 'ready' });
    this.#channel.flush();
    // Containers are often killed, and a killed process writes no compile cache.
    setTimeout(flushCompileCache, CACHE_FLUSH_DELAY_MS).unref();
    if (this.#stopRequested) await this.#stop();
  }

  #loadFailed(thrown: unknown): void {
    const error = encodeThrown(thrown);
    this.#channel.send({ type: 'loadFailed', error, message: messageOf(thrown), stack: stackOf(thrown) });
    this.#end(1);
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    await Promise.all([this.#inputs?.idle(), this.#batches?.idle(), this.#web?.close()]);
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
