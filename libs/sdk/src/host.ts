import type {
  ClientMessage,
  ClusterInfo,
  FunctionLookup,
  ObjectRequest,
  ServerMessage,
  TunnelAddress,
} from '@gantry/protocol';

/** What the runner offers to the SDK inside a container. */
export interface ContainerHost {
  /** Its last six characters are the session key of the calls that its code makes (`callSessionKey`). */
  readonly containerId: string;
  readonly appId: string;
  readonly functionId: string;
  readonly environment: string;
  /** Web address of each endpoint method of this function, by method name. */
  readonly urls: Readonly<Record<string, string>>;
  /** Its app is run in interactive mode. */
  readonly interactive: boolean;
  /** Set in containers of clustered functions. */
  readonly cluster?: ClusterInfo | undefined;
  /** The running input gets the terminal of whoever runs the app, until it ends. */
  interact(): Promise<void>;
  /** This container takes no more inputs, and ends after those it has. */
  stopFetching(): void;
  /** This container is preempted now, as if its machine were needed for something else. */
  requestPreemption(): void;
  /** Sends a client message through the worker. */
  send(message: ClientMessage): void;
  /** Calls `listener` for every server message that comes back. One listener at a time. */
  onMessage(listener: (message: ServerMessage) => void): void;
  /** Finds a function or class of an app (name or id) for a call. */
  lookup(app: string, name: string, environment?: string): Promise<FunctionLookup>;
  /**
   * Commits or reloads a volume that this container has.
   *
   * @throws NotFoundError if it has none of the name.
   */
  volume(act: 'commit' | 'reload', name: string, environment?: string): Promise<void>;
  /** A request about objects of the platform; resolves to its answer. */
  object(request: ObjectRequest): Promise<unknown>;
  /** Lets the world reach a port of this container. */
  forward(port: number, options: ForwardOptions): Promise<ForwardedPort>;
  /** The input whose code runs now, by asynchronous context. */
  currentInput(): CurrentInput | undefined;
}

export interface ForwardOptions {
  unencrypted: boolean;
  http2: boolean;
}

export interface ForwardedPort extends TunnelAddress {
  /** Nobody reaches the port any more, and connections are cut. */
  close(): Promise<void>;
}

export interface CurrentInput {
  readonly inputId: string;
  readonly callId: string;
  /** Fires when the input is cancelled or times out. */
  readonly signal: AbortSignal;
}

const HOST = Symbol.for('gantry.host');

// On globalThis: runner and user bundle carry separate copies of this module.
const globals = globalThis as { [HOST]?: ContainerHost };

/** The runner around this code, or undefined outside containers. */
export function containerHost(): ContainerHost | undefined {
  return globals[HOST];
}

/** Called by the runner, once, before it loads the bundle. */
export function setContainerHost(host: ContainerHost): void {
  globals[HOST] = host;
}
