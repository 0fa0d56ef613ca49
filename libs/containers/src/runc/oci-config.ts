import { CONTAINER_IDS } from '../container-ids.ts';
import type { ContainerLimits, ContainerMount } from '../container-driver.ts';
import type { GpuAccess } from '../gpus/gpu-access.ts';
import { cpuQuota, cpuShares, DEFAULT_PIDS } from './cgroups.ts';

/** What differs between containers. */
export interface OciConfigOptions {
  /** Where the root file system is mounted when the runtime starts. */
  rootPath: string;
  hostname: string;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  workdir: string;
  cgroupPath: string;
  /** Read-only. */
  mounts: readonly ContainerMount[];
  /** To be written, unless they say otherwise. @defaultValue none */
  volumes?: readonly (ContainerMount & { isReadOnly?: boolean })[] | undefined;
  limits: ContainerLimits;
  /** @defaultValue no GPUs */
  gpus?: GpuAccess | undefined;
  /** See {@link OciRuntime.systemCalls}. */
  seccomp: object;
  annotations?: Readonly<Record<string, string>>;
  /** Whether the machine can limit swap. */
  limitsSwap: boolean;
}

const BYTES_PER_MIB = 1024 * 1024;

// Enough for package managers and servers; over what is in the container alone, as its users are nobody outside.
const CAPABILITIES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL'],
  ...['CAP_NET_BIND_SERVICE', 'CAP_SETGID', 'CAP_SETUID'],
];

const NO_GPUS: GpuAccess = { devices: [], mounts: [], env: {}, hooks: {} };

const MASKED = [
  ...['acpi', 'asound', 'bus', 'fs', 'irq', 'kcore', 'keys', 'kmsg', 'latency_stats', 'sched_debug', 'scsi'],
  ...['sysrq-trigger', 'timer_list', 'timer_stats'],
].map((name) => `/proc/${name}`);
const READ_ONLY = ['/proc/sys', '/sys/fs/cgroup'];

/** The `config.json` of a container for an OCI runtime. */
export function ociConfig(options: OciConfigOptions): object {
  const { command, workdir, hostname, rootPath, gpus } = options;
  const env = { ...gpus?.env, ...options.env, ...driverPaths(gpus, options.env) };
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: command,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd: workdir,
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      noNewPrivileges: true,
      // When the machine has no memory left, containers are killed, not their worker and what it needs.
      oomScoreAdj: 800,
    },
    root: { path: rootPath, readonly: false },
    hostname,
    annotations: options.annotations,
    mounts: [
      ...SYSTEM_MOUNTS,
      ...options.mounts.map((mount) => bindMount(mount, 'ro')),
      ...(options.volumes ?? []).map((volume) => bindMount(volume, volume.isReadOnly ? 'ro' : 'rw')),
      ...gpuMounts(gpus),
    ],
    ...(gpus && { hooks: gpus.hooks }),
    linux: linux(options),
  };
}

function linux({ cgroupPath, limits, limitsSwap, gpus, seccomp }: OciConfigOptions): object {
  const ids = [{ containerID: 0, hostID: CONTAINER_IDS.first, size: CONTAINER_IDS.count }];
  return {
    uidMappings: ids,
    gidMappings: ids,
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'].map((type) => ({ type })),
    cgroupsPath: cgroupPath,
    resources: ociResources(limits, limitsSwap, gpus),
    seccomp,
    // Otherwise crun cuts off mounts that are made later. runc does the same unasked.
    rootfsPropagation: 'rslave',
    maskedPaths: [...MASKED, '/sys/firmware'],
    readonlyPaths: READ_ONLY,
    // Its own network: any port is its to listen on.
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0' },
  };
}

/** Limits in the words of the OCI runtime. */
export function ociResources(limits: ContainerLimits, limitsSwap: boolean, gpus?: GpuAccess): object {
  const { cpu, cpuLimit, memoryMiB, pids = DEFAULT_PIDS } = limits;
  const bytes = memoryMiB === undefined ? undefined : memoryMiB * BYTES_PER_MIB;
  return {
    devices: [
      { allow: false, access: 'rwm' },
      ...(gpus?.devices ?? []).map(({ type, major, minor }) => ({
        ...{ allow: true, access: 'rw', type, major, minor },
      })),
    ],
    ...(bytes && { memory: { limit: bytes, ...(limitsSwap && { swap: bytes }) } }),
    cpu: {
      ...(cpu !== undefined && { shares: cpuShares(cpu) }),
      ...(cpuLimit !== undefined && cpuQuota(cpuLimit)),
    },
    pids: { limit: pids },
  };
}

function bindMount({ source, target }: ContainerMount, access: 'ro' | 'rw'): object {
  return {
    destination: target,
    type: 'none',
    source,
    // A mount that the machine adds below later appears in the container as well.
    options: ['rbind', 'rslave', access, 'nosuid', 'nodev'],
  };
}

/** Images have folders of their own there, which come first. */
function driverPaths(gpus: GpuAccess | undefined, env: Readonly<Record<string, string>>): object {
  const paths = ['LD_LIBRARY_PATH', 'PATH'].map((name) => {
    const folders = [env[name], gpus?.env[name]].flatMap((path) => path?.split(':') ?? []);
    return [name, [...new Set(folders)].join(':')] as const;
  });
  return Object.fromEntries(paths.filter(([, path]) => path !== ''));
}

function gpuMounts({ devices, mounts }: GpuAccess = NO_GPUS): object[] {
  // In a user namespace nobody can make device nodes: the machine's are mounted.
  const nodes = devices.map(({ path, source }) => ({
    target: path,
    source,
    options: ['bind', 'nosuid', 'noexec'],
  }));
  return [...nodes, ...mounts].map(({ source, target, options }) => ({
    ...{ destination: target, type: 'none', source, options },
  }));
}

const SYSTEM_MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=1m'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=256m'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'nodev', 'noexec', 'ro'] },
  // A mount of its own at the top: the worker finds sockets in it without following the container's links.
  {
    destination: '/run',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'mode=755', 'size=16m'],
  },
];
