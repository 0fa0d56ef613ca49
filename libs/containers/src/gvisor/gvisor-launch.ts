import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import { CONTAINER_IDS } from '../container-ids.ts';
import { handOver } from '../pipes.ts';
import { failedStart, type LaunchOptions, makeUpperFolders } from '../runc/launch.ts';
import { ROOT_MOUNT_POINT, shortPath } from '../runc/places.ts';
import { MOUNT_SCRIPT, systemCalls } from '../runc/start-script.ts';
import type { GvisorRuntime } from './gvisor-runtime.ts';

const POLL_MS = 5;

/**
 * As that of other runtimes, with what gVisor has to find. /run has the sockets, which the machine reaches, too. gVisor
 * would have an empty /tmp in memory, without a limit: it is that of the image, unless it is a link, which would lead out
 * of it. The network has to be there before the sandbox is, and no runtime switches its loopback on.
 */
const GVISOR_SCRIPT = String.raw`${MOUNT_SCRIPT}
my ($image, $place, $lower, $root, $groups, $network, @runtime) = @ARGV;
mounted($image, "$place.img", $place, $lower, $root, '');
my $owner = ${CONTAINER_IDS.first};
for my $name ('run', 'tmp') {
  must("$place/$name", mkdir("$place/$name") && chmod(01777, "$place/$name") && chown($owner, $owner, "$place/$name"));
}
kernel("mount: $place/tmp", $mount, "$root/tmp", "$place/tmp", 'none', 4096, 0) if -d "$root/tmp" && !-l "$root/tmp";
kernel("mount: $place/run", $mount, 'tmpfs', "$place/run", 'tmpfs', 6, "mode=755,size=16m,uid=$owner,gid=$owner");
my $machine = opened('/proc/self/ns/net', 0);
kernel('a network namespace', $unshare, 0x40000000);
if (length $network) {
  attach("/proc/$$/fd/" . fileno $machine, $$, $network);
  must('lo', ioctl netlink(), 0x8914, my $up = pack 'a16 S x22', 'lo', 0x1001);
}
close $machine;
become($groups, @runtime);
`;

/** A container that runs, as a child of this process. */
export interface GvisorLaunched {
  child: ChildProcess;
  stdout: Readable;
  stderr: Readable;
  /** Process of this machine that all of the container runs in. */
  sandbox: number;
}

/** Where a container's `/run` or `/tmp` is, in the mount namespace that it is started in. */
export function outerFolder(bundle: string, name: 'run' | 'tmp'): string {
  return join(bundle, 'disk', name);
}

/**
 * Starts a container and stays its parent.
 *
 * @throws ContainerError if it could not be started.
 */
export async function launchGvisor(options: LaunchOptions<GvisorRuntime>): Promise<GvisorLaunched> {
  const { bundle, diskImage, pipes } = options;
  const place = join(bundle, 'disk');
  mkdirSync(place);
  if (diskImage === undefined) makeUpperFolders(place);
  const [out, err] = await pipes.outputs();
  const child = spawn('perl', ['-e', GVISOR_SCRIPT, '--', ...startWords(options)], {
    // A session of its own: Ctrl-C in the terminal of the worker is the worker's to pass on.
    ...{ detached: true, stdio: ['ignore', out.theirs, err.theirs, 'pipe'] },
  });
  handOver([out, err]);
  return { child, stdout: out.ours, stderr: err.ours, sandbox: await sandboxOf(child, err.ours, bundle) };
}

function startWords({
  runtime,
  group,
  name,
  bundle,
  layers,
  diskImage,
  network,
}: LaunchOptions<GvisorRuntime>): string[] {
  // Overlayfs takes the highest first.
  const lower = layers.toReversed().map(shortPath).join(':');
  return [
    ...[systemCalls ?? '', diskImage ?? '', join(bundle, 'disk'), lower, ROOT_MOUNT_POINT],
    ...[group.procsFiles.join(' '), String(network?.number ?? '')],
    ...[...runtime.runWords({ hasNetwork: network !== undefined }), '--bundle', bundle],
    ...['--pid-file', pidFile(bundle), name],
  ];
}

function pidFile(bundle: string): string {
  return join(bundle, 'pid');
}

/** @throws ContainerError if there will be none. */
async function sandboxOf(child: ChildProcess, stderr: Readable, bundle: string): Promise<number> {
  let cause: Error | undefined;
  child.once('error', (error) => (cause = error));
  for (;;) {
    const path = pidFile(bundle);
    const pid = existsSync(path) ? Number(readFileSync(path, 'latin1')) : 0;
    if (pid) return pid;
    if (cause) throw failedStart(cause.message, cause);
    if (child.exitCode !== null || child.signalCode !== null) throw failedStart(await text(stderr));
    await delay(POLL_MS);
  }
}
