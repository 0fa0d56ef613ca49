import type { Duplex, Readable, Writable } from 'node:stream';

import type { PrivateNetworkKind } from '@gantry/protocol';

/** What a driver can do; the worker reads it instead of asking which driver it has. */
export interface DriverCapabilities {
  /** Shown to operators, such as `process`. */
  readonly name: string;
  /** Containers are kept apart from each other and from the machine. False refuses untrusted code. */
  readonly isolation: boolean;
  /** CPU and memory limits are enforced. */
  readonly resourceLimits: boolean;
  /** Containers can have a root file system of their own. */
  readonly images: boolean;
  /** Containers can be started from the memory of another one. */
  readonly snapshots: boolean;
  /** Processes are started ahead of need. */
  readonly prewarming: boolean;
  /** What is mounted in its volumes after its start is there for its code, too. */
  readonly lateMounts: boolean;
  /** Who reaches the addresses of containers with a private network; undefined if there can be none. */
  readonly privateNetwork: PrivateNetworkKind | undefined;
}

export interface StartOptions {
  /** The container's id; also names its working directory. Unique among running containers. */
  id: string;
  /** What the container has for a file system. @defaultValue that of the driver: the machine's own for processes */
  root?: ContainerRoot | undefined;
  /** Folders laid over the root, lowest first, as {@link unpackLayer} makes them. @defaultValue none */
  extraLayers?: readonly string[] | undefined;
  /** Read-only folders of this machine that its code needs, such as bundles. @defaultValue none */
  mounts?: readonly ContainerMount[] | undefined;
  /** The module in one of `mounts` that its runner will load: a driver may have it compiled. @defaultValue not known */
  code?: string | undefined;
  /** Folders of this machine that it can write, in which the machine may mount something later. @defaultValue none */
  volumes?: readonly ContainerVolume[] | undefined;
  /** @defaultValue no limits but the machine's */
  limits?: ContainerLimits | undefined;
  /** What it may reach besides its worker. @defaultValue 'outbound' */
  network?: 'outbound' | 'none' | undefined;
  /** Its place in a private network. @defaultValue it has none */
  privateLink?: PrivateLink | undefined;
  /** GPUs of this machine that it may use, by index. @defaultValue none */
  gpus?: readonly number[] | undefined;
}

/** A container's place in a private network. */
export interface PrivateLink {
  /** At which others of the network reach it. Plain processes need nothing else: theirs is one of the machine. */
  address: string;
  /** Path of the network namespace that passes its packets on, of {@link PrivateRouter}. */
  router?: string | undefined;
}

/** The layers of an image on this machine. */
export interface ContainerRoot {
  /** Folders, lowest first, as the driver's image store laid them out. */
  layers: readonly string[];
  /** From the image: what its processes start with, below what the platform and the user set. */
  env: Readonly<Record<string, string>>;
  /** @defaultValue '/root' */
  workdir?: string | undefined;
  /** Words before the runner's own command; they must end in running their arguments. @defaultValue none */
  entrypoint?: readonly string[] | undefined;
  /** Path of the Node in it that is to run the runner. @defaultValue the platform's */
  node?: string | undefined;
  /**
   * Keeps the layers on this machine until what it returns is called: for containers that a driver starts ahead of need.
   * @defaultValue they are there as long as the container that is started with them
   */
  retain?: (() => () => void) | undefined;
}

export interface ContainerMount {
  /** Absolute path on this machine: a folder or a file. */
  source: string;
  /** Absolute path in the container. */
  target: string;
}

export interface ContainerVolume {
  /** Absolute path of a folder on this machine. */
  folder: string;
  /** Where the container has it: absolute, or relative to its working directory. */
  target: string;
  /** @defaultValue false */
  isReadOnly?: boolean | undefined;
}

/** Absent means unlimited. Numbers that a driver cannot enforce are not refused: see its capabilities. */
export interface ContainerLimits {
  /** Cores that it gets where others want them, too. */
  cpu?: number | undefined;
  /** Cores above which it is throttled. */
  cpuLimit?: number | undefined;
  /** Above it, the kernel kills the container. */
  memoryMiB?: number | undefined;
  /** What it may write outside of volumes. */
  diskMiB?: number | undefined;
  /** Processes and threads at once. */
  pids?: number | undefined;
}

/** How the first process of a container ended: one of the two is set. */
export interface ContainerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The kernel killed it because memory was short, as far as the driver can tell. */
  readonly outOfMemory?: true | undefined;
}

/** A program to run in a container beside its runner. */
export interface ExecOptions {
  /** The program and its arguments. No shell takes them apart. */
  command: readonly string[];
  /** On top of what all processes of the container start with. @defaultValue nothing */
  env?: Readonly<Record<string, string>> | undefined;
  /** @defaultValue the working directory of the container */
  workdir?: string | undefined;
  /** Run it in a terminal. @defaultValue it has pipes */
  terminal?: (TerminalSize & { term?: string | undefined }) | undefined;
}

export interface TerminalSize {
  columns: number;
  rows: number;
}

/** A program that {@link Container.exec} started. */
export interface ExecProcess {
  /** Ending it ends the program's input; in a terminal it types Ctrl-D. */
  readonly stdin: Writable;
  /** In a terminal, all that it shows. Must be read, or the program blocks. */
  readonly stdout: Readable;
  /** Empty in a terminal. */
  readonly stderr: Readable;
  /**
   * Resolves once, when the program ended; what it wrote may still be in its streams. A driver may wait for background
   * processes that hold these open. Whoever could not start it
   * says so as a shell would: code 127 if there is no such program, 126 if it cannot be run.
   */
  readonly exited: Promise<ExecEnd>;
  /** No effect without a terminal. */
  resize(size: TerminalSize): void;
  /** Sends a signal to the program alone. No effect once it ended. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL to it and to what it started. No effect once it ended. */
  kill(): void;
}

/** One of the two is set. */
export interface ExecEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What the processes of a container take up. */
export interface ContainerUse {
  /**
   * What its processes have in memory now; undefined once it ended, or where that cannot be told. What they share counts
   * once where the kernel counts for the whole container, else for each of them.
   */
  readonly memoryBytes: number | undefined;
  /**
   * What its processes have used of CPU so far; undefined where that cannot be told. Once it ended: in all, where the kernel
   * counts for the whole container, else what it was when it was last asked for.
   */
  readonly cpuTimeMs: number | undefined;
}

/** One running container, seen from its worker. */
export interface Container extends ContainerUse {
  readonly id: string;
  /** Process id of the runner. */
  readonly pid: number;
  /** Working directory. Removed, with all in it, when the container ended. */
  readonly directory: string;
  /** Path at which its code may listen for HTTP, as that code sees it. */
  readonly innerSocketPath: string;
  /** Path at which its runner may keep the identity token, as its code sees it. Gone when the container ended. */
  readonly identityTokenPath: string;
  /** What reaches that socket from this machine; undefined while nobody listens. Gone when the container ended. */
  readonly socketPath: string | undefined;
  /** The other end is file descriptor 3 of the runner. Its messages are described in `@gantry/protocol`. */
  readonly channel: Duplex;
  /** What the processes of the container write past the runner. Must be read, or they block. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves once, when the runner ended. All other processes of the container are killed then. */
  readonly exited: Promise<ContainerEnd>;
  /**
   * Runs a program in the container. What it leaves behind goes on until the container ends.
   *
   * @throws `ContainerError` if the container has ended, or this machine cannot do it.
   */
  exec(options: ExecOptions): Promise<ExecProcess>;
  /** What code in the container calls a path of this machine: its working directory, or what it was given as a mount. */
  pathInside(path: string): string;
  /**
   * Makes a folder of this machine visible in the container, to be read; what appears in there later, too. At most one.
   *
   * @returns where its code finds it; undefined where this driver, or this container, can be shown nothing.
   */
  showFolder(folder: string): Promise<string | undefined>;
  /** Sends a signal to the runner alone. No effect once it ended. */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL to every process of the container. No effect once it ended. */
  kill(): void;
}

/**
 * Starts containers on this machine. The one thing a worker knows about how containers are made.
 *
 * Drivers keep on disk what they need to find their containers again, so that {@link ContainerDriver.reconcile}
 * can end what a killed worker left behind.
 */
export interface ContainerDriver {
  readonly capabilities: DriverCapabilities;
  /**
   * Starts a container with the runner as its first process.
   *
   * @throws `ContainerError` if the process cannot be started.
   */
  start(options: StartOptions): Promise<Container>;
  /** Replaces what {@link start} took from the processes started ahead. Called when a cold start is over. */
  prewarm(): void;
  /** Ends the containers of workers that are gone and removes what they left. Resolves to how many it ended. */
  reconcile(): Promise<number>;
  /** Kills everything it started and waits until it is gone. */
  close(): Promise<void>;
}
