import { existsSync } from 'node:fs';
import { warn } from './report.mjs';
import { findProgram } from './run-program.mjs';
import { aptInstall } from './system-packages.mjs';

/** Programs of the runc driver, of image builds and of buckets, with the Debian packages that have them. */
const PACKAGES = {
  runc: 'runc',
  crun: 'crun',
  '/usr/bin/tini-static': 'tini',
  perl: 'perl-base',
  ip: 'iproute2',
  nft: 'nftables',
  'mkfs.ext4': 'e2fsprogs',
  buildah: 'buildah',
  mmdebstrap: 'mmdebstrap',
  '/usr/share/keyrings/debian-archive-keyring.gpg': 'debian-archive-keyring',
  slirp4netns: 'slirp4netns',
  newuidmap: 'uidmap',
  rclone: 'rclone',
  fusermount3: 'fuse3',
  // An ACME authority, for tests.
  pebble: 'pebble',
};

/**
 * Installs what isolated containers and image builds need, where this is Linux and root. Without it, containers are
 * plain processes, tests of isolation are skipped, and this says so.
 */
export async function ensureContainerPrograms() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const missing = Object.entries(PACKAGES).flatMap(([program, name]) => (isPresent(program) ? [] : [name]));
  await installWhatIsThere(missing, aptInstall);
}

/** All at once; where the system has one of them not, each alone, as apt-get then installs none. */
export async function installWhatIsThere(names, install) {
  if (names.length === 0) return;
  const problem = await problemOf(install(...names));
  if (!problem) return;
  const missing = [];
  for (const name of names) {
    if (names.length === 1 || (await problemOf(install(name)))) missing.push(name);
  }
  if (missing.length === 0) return;
  warn(`${missing.join(' ')} could not be installed, so containers may not be isolated: ${problem.message}`);
}

function problemOf(work) {
  return work.then(
    () => undefined,
    (error) => error,
  );
}

function isPresent(name) {
  return name.startsWith('/') ? existsSync(name) : findProgram(name) !== undefined;
}
