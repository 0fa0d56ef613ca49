import type { ExecRequest } from './exec-messages.ts';
import type { GangPlace, GangSeat } from './gang.ts';
import type { FunctionRecord } from './records.ts';
import type { ClassParameters } from './pool.ts';
import type { PoolOptions } from './pool-options.ts';
import type { TunnelStatus } from './tunnel.ts';

/** Work waits for a pool. Servers send it when they accept inputs, gateways when requests wait. */
export interface DemandMessage {
  pool: string;
  functionId: string;
  parameters: ClassParameters;
  /** Options that replace those of the function in this pool. */
  options?: PoolOptions | undefined;
  /** Inputs accepted since the last message (from a server). */
  inputs: number;
  /** Web requests that wait for a container now (from a gateway). */
  waitingRequests: number;
  /** Which process says so: the scheduler adds up gateways. */
  from: string;
}

/** Operations that a process admitted since its last message, for those that share its rate limit. */
export interface SpentMessage {
  from: string;
  operations: number;
}

/** No machine has room for another container of a function. Said again each minute while that is so. */
export interface UnplaceableMessage {
  functionId: string;
  reason: string;
  atMs: number;
}

/** How a worker is; published every 2 s and at once on every change. */
export interface WorkerStatus {
  workerId: string;
  hostname: string;
  /** Changes at every start of the process. */
  startedAtMs: number;
  draining: boolean;
  capacity: MachineCapacity;
  labels?: WorkerLabels | undefined;
  driver?: WorkerDriver | undefined;
  containers: ContainerStatus[];
  /** How its GPUs are, as far as their driver tells. @defaultValue it has none */
  gpuUse?: GpuUse[] | undefined;
}

/** What a worker makes of containers. */
export interface WorkerDriver {
  /** Such as `process`. */
  name: string;
  /** Its containers can have images. Without, they have npm packages, variables and files in the working directory. */
  images: boolean;
  /** Containers are kept apart from each other and from the machine. @defaultValue false */
  isolation?: boolean | undefined;
  /** Who reaches the addresses of its containers. @defaultValue they have none */
  privateNetwork?: PrivateNetworkKind | undefined;
  /** Of containers without an image of their own. */
  nodeVersion: string;
  /** Why containers are not kept apart, and what to do about it; undefined where they are, or were not to be. */
  limitation?: { message: string; hint: string } | undefined;
}

/**
 * Who reaches the addresses of containers with a private network: others of it in the same region and nobody else, or
 * everything on the same machine and nothing beyond.
 */
export type PrivateNetworkKind = 'region' | 'machine';

/** What a machine has for containers, in all. */
export interface MachineCapacity {
  cpu: number;
  memoryMiB: number;
  /** @defaultValue not counted */
  diskMiB?: number | undefined;
  gpus?: GpuDevice[] | undefined;
}

export interface GpuDevice {
  /** As the machine counts them. */
  index: number;
  /** In capitals, such as `H100` or `A100-80GB`. */
  type: string;
  memoryMiB: number;
}

/** A GPU at one moment. What its driver does not tell is left out. */
export interface GpuUse {
  /** As the machine counts them. */
  index: number;
  /** Of the last second or so, the part in which something ran on it: 0 to 1. */
  busy?: number | undefined;
  memoryUsedMiB?: number | undefined;
  powerWatts?: number | undefined;
  powerLimitWatts?: number | undefined;
  temperatureCelsius?: number | undefined;
}

/** Where a machine is, and what else it can be asked for by. */
export interface WorkerLabels {
  /** Such as `us-east-1`. */
  region?: string | undefined;
  cloud?: string | undefined;
  /** Further names that `region` of a function may ask for. */
  others?: string[] | undefined;
}

export interface ContainerStatus {
  containerId: string;
  pool: string;
  functionId: string;
  appId: string;
  /** Version of the app it runs. */
  version: number;
  state: 'starting' | 'ready' | 'draining' | 'stopped';
  /** Inputs and web requests that run now. */
  running: number;
  maxInputs: number;
  /** It serves, but takes no more inputs until it has finished those it has. Most often it ends then. */
  exhausted?: boolean | undefined;
  /** GPUs of its machine that it has, by index. */
  gpus?: number[] | undefined;
  /** Set for those of clustered functions. Of a gang the one of rank 0 takes inputs. */
  gang?: GangSeat | undefined;
  startedAtMs: number;
  readyAtMs?: number | undefined;
  /** Inputs that ended in it for good: with a value, or with an error and no retries left; not those that were cancelled. @defaultValue 0 */
  succeeded?: number | undefined;
  failed?: number | undefined;
  /** It has finished an input or a request, or been ready for 10 s: its code works. */
  proven?: true | undefined;
  /** Since when nothing runs; undefined while something does. */
  idleSinceMs?: number | undefined;
  /** Set when the state is `stopped`. */
  exit?: ContainerExit | undefined;
  /** Unix socket that speaks HTTP, for a function with endpoints. */
  httpSocketPath: string;
  /** Those that are open. @defaultValue none */
  tunnels?: TunnelStatus[] | undefined;
}

export interface ContainerExit {
  /** Why it ended: asked to, preempted, its code failed to load, it crashed, or it was killed. */
  reason:
    'stopped' | 'preempted' | 'loadFailed' | 'crashed' | 'killed' | 'outOfMemory' | 'heartbeat' | 'timeout';
  code: number | null;
  signal: string | null;
  message?: string | undefined;
  /** An input was found to be to blame, and failed. */
  inputFailed?: true | undefined;
  /** What its code threw while it loaded, encoded, for callers that wait. */
  error?: Uint8Array | undefined;
}

/** Requests to a worker; `fence` is the revision of the scheduler's lease: lower than one seen is refused. */
export type WorkerCommand =
  | {
      type: 'start';
      fence: number;
      containerId: string;
      pool: string;
      parameters: ClassParameters;
      record: FunctionRecord;
      /** GPUs that it gets, by index. */
      gpus?: number[] | undefined;
      /** Set for those of clustered functions. */
      gang?: GangPlace | undefined;
    }
  /** Drain, then exit hooks, then end. */
  | { type: 'stop'; fence: number; containerId: string; reason: string }
  /** End now. Its inputs run elsewhere. Operators send it, so it carries no fence. */
  | { type: 'kill'; containerId: string; reason: string }
  /**
   * Interrupt its code, then exit hooks, then end, all within 30 s. What it does not finish runs elsewhere.
   * Operators send it, so it carries no fence.
   */
  | { type: 'preempt'; containerId: string; reason: string }
  /** Run a program in a container for a client, who is reached by `subjects.execOutput(execId)`. */
  | { type: 'exec'; containerId: string; execId: string; request: ExecRequest }
  /** Connect a gateway of another machine, which is at the other end of the pipe, to the container's HTTP socket. */
  | { type: 'connect'; containerId: string; pipeId: string }
  /**
   * Start a container as those of a function are, for the program that `exec` runs in it next: its code is not
   * loaded, and it ends with the program. Servers send it for a client, so it carries no fence.
   */
  | {
      type: 'shell';
      containerId: string;
      record: FunctionRecord;
      /** GPUs that it gets, by index. */
      gpus?: number[] | undefined;
    };

export interface WorkerReply {
  ok: boolean;
  /** Why not, for people. */
  message?: string | undefined;
}

export interface CancelMessage {
  callId: string;
  terminateContainers: boolean;
}

/** A container crashed while it ran this input. */
export interface CrashMessage {
  inputId: string;
  /** The worker that says so. */
  from: string;
}

/** One line, or one piece, of output of a container. */
export interface LogEntry {
  atMs: number;
  stream: 'stdout' | 'stderr' | 'system';
  text: string;
  containerId: string;
  functionName: string;
  /** Of the container within its gang, if it is in one. */
  rank?: number | undefined;
  /** Set on `system` lines that belong to the ordinary life of a container. */
  routine?: boolean | undefined;
  /** Set on a `system` line that stands for lines that are missing: how many. */
  lostLines?: number | undefined;
  /** Known when the platform could tell which input wrote it. */
  inputId?: string | undefined;
  /** Where it is in the log, once it has been read from there; entries that were written together share one. */
  position?: number | undefined;
  /** Its code waits for the terminal of whoever runs the app: this program, run in the container, hands over its own. */
  terminalTaker?: string[] | undefined;
}

/** Body of a message on the logs stream. */
export interface LogBatch {
  entries: LogEntry[];
}
