import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { STEP_DNS } from '../builds/step-network.ts';
import { CONTAINER_IDS } from '../container-ids.ts';
import type { ContainerMount } from '../container-driver.ts';
import { RUN_FOLDER } from '../run-folder.ts';
import { isRootless } from '../rootless/user-namespace.ts';

/** What the platform brings along lies here in every container. */
export const PLATFORM_FOLDER = '/opt/gantry';
/** First process of each container: reaps orphans, which Node does not. Static, so it runs in any image. */
export const INIT_PROGRAM = '/usr/bin/tini-static';
export const INNER_INIT = join(PLATFORM_FOLDER, 'bin/init');
/** On a mount of its own, directly: see {@link RuncContainer.socketPath}. */
export const INNER_SOCKET = '/run/gantry.sock';
export const INNER_IDENTITY_TOKEN = '/run/gantry-identity-token';

/** Each start mounts its own root over it, unseen by all else. */
export const ROOT_MOUNT_POINT = join(RUN_FOLDER, 'root');
/** The same for its disk. */
export const DISK_MOUNT_POINT = join(RUN_FOLDER, 'disk');
/** See {@link LateMounts}. */
export const LATE_FOLDER = join(RUN_FOLDER, 'late');
export const LATE_OWNERS_FOLDER = join(RUN_FOLDER, 'late-owners');
const LAYER_LINKS = join(RUN_FOLDER, 'layers');

/** Makes the folders that all containers of this machine share. */
export function prepareRunFolder(): void {
  for (const folder of [RUN_FOLDER, ROOT_MOUNT_POINT, DISK_MOUNT_POINT, LAYER_LINKS]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
  }
  removeDanglingLinks(LAYER_LINKS);
}

/** Links to layers that are gone, such as those of a data directory that was removed. */
export function removeDanglingLinks(folder: string): void {
  const links = readdirSync(folder).map((name) => join(folder, name));
  // Another worker may do the same at the same time.
  for (const link of links) if (!existsSync(link)) rmSync(link, { force: true });
}

/** A short name for a folder: the kernel takes one page of mount options, and images have many layers. */
export function shortPath(folder: string): string {
  const name = createHash('sha256').update(folder).digest('base64url').slice(0, 12);
  const link = join(LAYER_LINKS, name);
  linkOnce(folder, link);
  return link;
}

/**
 * Writes what every container has over its image: the files that say how to find names, and where things are mounted; a
 * runtime would make those anew in each. Returns the folder.
 */
export function writePlatformLayer(folder: string): string {
  const inner = ['runner', 'bin', 'bundle'].map((name) => join(PLATFORM_FOLDER, name));
  for (const path of ['.', 'etc', 'proc', 'dev', 'sys', 'run', 'opt', PLATFORM_FOLDER, ...inner])
    ownedFolder(join(folder, path));
  for (const path of ['node', 'init']) ownedFile(join(folder, PLATFORM_FOLDER, 'bin', path), '');
  ownedFile(join(folder, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  // Where an ordinary user's packets are routed, a resolver of its own asks as the machine does.
  const config = isRootless() ? `nameserver ${STEP_DNS}\n` : resolverConfig();
  ownedFile(join(folder, 'etc/resolv.conf'), config);
  return folder;
}

/**
 * Makes the root of containers that have no image: this machine's programs in `/usr`, and nothing else of it.
 *
 * @returns The layer, and what is to be mounted in it.
 */
export function writeDefaultRoot(folder: string): { layer: string; mounts: ContainerMount[] } {
  for (const name of ['.', 'etc', 'etc/ssl', 'var', 'home', 'opt', 'usr']) ownedFolder(join(folder, name));
  ownedFolder(join(folder, 'root'), 0o700);
  for (const name of ['tmp', 'var/tmp']) ownedFolder(join(folder, name), 0o1777);
  const accounts = [
    ['root', 0, '/root'],
    ['nobody', 65_534, '/nonexistent'],
  ] as const;
  const passwd = accounts
    .map(([name, id, home]) => `${name}:x:${id}:${id}:${name}:${home}:/bin/sh\n`)
    .join('');
  ownedFile(join(folder, 'etc/passwd'), passwd);
  ownedFile(join(folder, 'etc/group'), 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n');
  ownedFile(join(folder, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
  linkOnce('../usr/lib/os-release', join(folder, 'etc/os-release'));
  const targets = [
    '/usr',
    '/etc/alternatives',
    '/etc/ssl/certs',
    '/etc/ld.so.cache',
    ...programFolders(folder),
  ].filter((path) => existsSync(path));
  for (const path of targets) ownedMountPoint(path, join(folder, path));
  const inner = mountsBelow(targets, readText('/proc/self/mountinfo')).filter((path) => existsSync(path));
  return { layer: folder, mounts: [...targets, ...inner].map((path) => ({ source: path, target: path })) };
}

/**
 * Where further file systems are mounted in these folders, such as the driver of GPUs: crun leaves them out when it
 * mounts a folder in a user namespace.
 *
 * @param mountinfo - As the kernel writes it.
 */
export function mountsBelow(folders: readonly string[], mountinfo: string): string[] {
  const places = mountinfo.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  const paths = places.map((place) =>
    place.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8))),
  );
  return [...new Set(paths)].filter((path) => folders.some((folder) => path.startsWith(`${folder}/`)));
}

/** `/bin` and the like are links into `/usr` on most systems, folders on others. Links are copied. */
function programFolders(folder: string): string[] {
  return ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].filter((path) => {
    if (!existsSync(path)) return false;
    if (!lstatSync(path).isSymbolicLink()) return true;
    linkOnce(readlinkSync(path), join(folder, path));
    return false;
  });
}

/** What the link leads to may not exist (yet): looking for it first would tell nothing. */
function linkOnce(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** The machine's name servers, without those that only the machine itself can reach. */
export function resolverConfig(paths = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']): string {
  for (const path of paths) {
    const lines = readText(path).split('\n');
    const usable = lines.filter(
      (line) => line.trim() !== '' && !/^\s*([#;]|nameserver\s+(127\.|::1))/.test(line),
    );
    if (usable.some((line) => line.trim().startsWith('nameserver'))) return `${usable.join('\n')}\n`;
  }
  return '';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Makes a folder of the container's root user. */
export function ownedFolder(path: string, mode = 0o755): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  chownSync(path, CONTAINER_IDS.first, CONTAINER_IDS.first);
}

function ownedFile(path: string, content: string): void {
  writeFileSync(path, content);
  chownSync(path, CONTAINER_IDS.first, CONTAINER_IDS.first);
}

/** So that no runtime has to make it in each container. */
function ownedMountPoint(source: string, path: string): void {
  if (statSync(source).isDirectory()) return ownedFolder(path);
  ownedFolder(dirname(path));
  ownedFile(path, '');
}

/** The runner and Node, as containers see them. */
export function platformMounts(runnerPath: string, nodePath: string): ContainerMount[] {
  return [
    { source: dirname(runnerPath), target: join(PLATFORM_FOLDER, 'runner') },
    { source: nodePath, target: join(PLATFORM_FOLDER, 'bin/node') },
    { source: INIT_PROGRAM, target: INNER_INIT },
  ];
}

/** Where a container finds the runner. */
export function innerRunnerPath(runnerPath: string): string {
  return join(PLATFORM_FOLDER, 'runner', basename(runnerPath));
}
