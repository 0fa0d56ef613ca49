import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf, openBlobStore, type BlobStore, type BlobStoreConfig } from '@gantry/blobs';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import {
  decodeValue,
  encodeValue,
  newCallId,
  newId,
  newSessionKey,
  subjects,
  type ContainerStatus,
  type FunctionOptionsSpec,
  type FunctionRecord,
  type InputMessage,
  type LogEntry,
  type OutputMessage,
  type WorkerCommand,
  type WorkerReply,
  type WorkerStatus,
} from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { startNats, temporaryDirectory, waitUntil, type TestNats } from '@gantry/testing';
import { rolldown } from 'rolldown';

import { startWorker, type RunningWorker, type WorkerConfig } from './main.ts';

/** Bundles the runner from source, as the build of the platform does. Resolves to the path of its entry. */
export async function bundleRunner(folder: string): Promise<string> {
  const input = { runner: join(import.meta.dirname, '../../../libs/runner/src/main.ts') };
  const bundle = await rolldown({ input, platform: 'node', logLevel: 'silent' });
  await bundle.write({
    dir: folder,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
  });
  await bundle.close();
  return join(folder, 'runner.cjs');
}

/** What the scheduler says to have a container of a function started. */
export function startOrder(
  record: FunctionRecord,
  containerId: string,
): Extract<WorkerCommand, { type: 'start' }> {
  return { type: 'start', fence: 1, containerId, pool: record.id, parameters: {}, record };
}

/** A real worker with real containers on a real nats-server; the test plays scheduler and client. */
export class WorkerUnderTest implements AsyncDisposable {
  readonly nats: TestNats;
  readonly messaging: Messaging;
  readonly blobs: BlobStore;
  readonly blobConfig: BlobStoreConfig;
  readonly worker: RunningWorker;
  readonly #stack: AsyncDisposableStack;
  #status: WorkerStatus | undefined;

  private constructor(
    parts: Pick<WorkerUnderTest, 'nats' | 'messaging' | 'blobs' | 'blobConfig' | 'worker'>,
    stack: AsyncDisposableStack,
  ) {
    this.nats = parts.nats;
    this.messaging = parts.messaging;
    this.blobs = parts.blobs;
    this.blobConfig = parts.blobConfig;
    this.worker = parts.worker;
    this.#stack = stack;
    this.messaging.subscribe<WorkerStatus>(subjects.workerStatus, (status) => (this.#status = status));
  }

  static async start(
    runnerPath: string,
    config: Pick<
      WorkerConfig,
      'driver' | 'exitGraceMs' | 'identityTokenMs' | 'labels' | 'nodeFlags' | 'silenceMs'
    > = {},
  ): Promise<WorkerUnderTest> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryDirectory('gantry-worker-')).path;
    const nats = stack.use(await startNats());
    const messaging = await connectMessaging({ url: nats.url, name: 'test' });
    stack.defer(() => messaging.close());
    await messaging.ensureStreams();
    const blobConfig = { type: 'disk', path: join(folder, 'blobs') } as const;
    await mkdir(blobConfig.path);
    const log = createLogger({ name: 'worker', level: 'error' });
    const running = await startWorker({
      natsUrl: nats.url,
      dataDir: folder,
      blobs: blobConfig,
      runnerPath,
      log,
      // Plain processes, unless a test is about containers that are more.
      driver: 'process',
      ...config,
    });
    let stopping: Promise<void> | undefined;
    const worker = { ...running, stop: () => (stopping ??= running.stop()) };
    stack.defer(() => worker.stop());
    const blobs = await openBlobStore(blobConfig);
    return new WorkerUnderTest({ nats, messaging, blobs, blobConfig, worker }, stack.move());
  }

  /** Stores a bundle that registers `registration` (source text of one registration) as its only function. */
  async deploy(registration: string, options: FunctionOptionsSpec = {}): Promise<FunctionRecord> {
    const source = `(globalThis[Symbol.for('gantry.apps')] ??= []).push({
      name: 'test', entrypoints: [], functions: [{ options: {}, ...(${registration}) }] });`;
    const bytes = new TextEncoder().encode(source);
    const map = new TextEncoder().encode('{"version":3,"sources":[],"names":[],"mappings":""}');
    await Promise.all([this.blobs.put(digestOf(bytes), bytes), this.blobs.put(digestOf(map), map)]);
    return {
      id: newId('fu'),
      appId: newId('ap'),
      appName: 'test',
      environment: 'main',
      version: 1,
      spec: specOf(registration, options),
      bundle: { digest: digestOf(bytes), sizeBytes: bytes.length },
      sourceMap: { digest: digestOf(map), sizeBytes: map.length },
      urls: {},
    };
  }

  command(command: WorkerCommand): Promise<WorkerReply> {
    return this.messaging.request(subjects.worker(this.worker.workerId), command);
  }

  /** Starts a container, and resolves when it is ready. */
  async startContainer(record: FunctionRecord, parameters = {}): Promise<string> {
    const containerId = newId('ta');
    const reply = await this.command({ ...startOrder(record, containerId), parameters });
    if (!reply.ok) throw new Error(reply.message);
    await waitUntil(() => this.container(containerId)?.state === 'ready', {
      what: 'the container to be ready',
    });
    return containerId;
  }

  /** As the worker last reported it. */
  container(containerId: string): ContainerStatus | undefined {
    return this.#status?.containers.find((container) => container.containerId === containerId);
  }

  /** Submits inputs of one call. */
  async submit(record: FunctionRecord, method: string, inputs: unknown[][]): Promise<SubmittedCall> {
    const callId = newCallId(newSessionKey());
    await this.messaging.inputs.ensurePool(record.id);
    const call = new SubmittedCall(this.messaging, callId);
    const messages = inputs.map((args, index): InputMessage => ({
      inputId: newId('in'),
      callId,
      index,
      functionId: record.id,
      method,
      args: encodeValue(args),
      attempt: 0,
    }));
    await Promise.all(messages.map((message) => this.messaging.inputs.submit(record.id, message)));
    call.inputIds.push(...messages.map((message) => message.inputId));
    return call;
  }

  /** Log entries of an app so far, once one of them satisfies `condition`. */
  async logsWith(record: FunctionRecord, condition: (entry: LogEntry) => boolean): Promise<LogEntry[]> {
    return await waitUntil(async () => {
      const entries: LogEntry[] = [];
      for await (const entry of this.messaging.logs.read(record.appId, {})) entries.push(entry);
      return entries.some(condition) ? entries : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** One call, with the outputs that were published for it. */
export class SubmittedCall {
  readonly callId: string;
  readonly inputIds: string[] = [];
  readonly published: OutputMessage[] = [];

  constructor(messaging: Messaging, callId: string) {
    this.callId = callId;
    messaging.outputs.watchCall(callId, (output) => this.published.push(output));
  }

  async output(index = 0): Promise<OutputMessage> {
    const found = (): OutputMessage | undefined => this.published.find((output) => output.index === index);
    return await waitUntil(found, { timeoutMs: 20_000, what: `output ${index}` });
  }

  /** The decoded value of an input. */
  async value(index = 0): Promise<unknown> {
    const { outcome } = await this.output(index);
    if (outcome.type === 'value' && outcome.value instanceof Uint8Array) return decodeValue(outcome.value);
    throw new Error(`the outcome is ${JSON.stringify(outcome)}`);
  }
}

function specOf(registration: string, options: FunctionOptionsSpec): FunctionRecord['spec'] {
  const kind = registration.includes("kind: 'class'") ? 'class' : 'function';
  const name = /name: '(\w+)'/.exec(registration)?.[1] ?? '';
  const site = { file: 'test.ts', line: 1 };
  const method = { name: '', handlerKind: 'async' as const, callable: true, params: [], site };
  const methods = kind === 'function' ? [method] : [];
  return { name, kind, site, options, methods, parameters: [], hooks: { enter: [], exit: [] } };
}
