import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findProgram } from './find-program.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const NAME = 'gantry-test';
const ID = 64_242;
const FILES = ['/etc/passwd', '/etc/group', '/etc/subuid', '/etc/subgid'];
const FIRST_SUB_ID = 1_800_000_000;
/** Where the user finds the repository and Node, which may lie where only root gets. */
const PLACES = { repository: '/mnt/repository', node: '/mnt/node' } as const;

// An ordinary user with ids of its own, as `adduser` makes one, in a mount namespace alone: the machine stays as it is.
// Devices are there for everybody, as udev has them.
const SCRIPT = `
set -e
files=$1 repository=$2 node=$3
shift 3
for name in passwd group subuid subgid; do mount --bind "$files/$name" /etc/$name; done
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir ${PLACES.repository}
mount --rbind "$repository" ${PLACES.repository}
touch ${PLACES.node}
mount --bind "$node" ${PLACES.node}
mknod -m 666 /mnt/fuse c 10 229
mknod -m 666 /mnt/tun c 10 200
mount --bind /mnt/fuse /dev/fuse
mount --bind /mnt/tun /dev/net/tun
cd "$files/home"
exec setpriv --reuid ${ID} --regid ${ID} --clear-groups -- "$@"
`;

/** A user of this machine who has no rights, for tests that run as root. */
export interface OrdinaryUser extends Disposable {
  /** The command that runs another one as this user. */
  command(words: readonly string[]): string[];
  env: NodeJS.ProcessEnv;
  /** A folder of the user's own. */
  home: string;
  node: string;
  /** Makes all below a path the user's. */
  give(path: string): void;
  /** Where the user finds a file of the repository. */
  inRepository(path: string): string;
}

/** Why there can be no {@link ordinaryUser} here; undefined if there can. */
export function noOrdinaryUserReason(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can be another user';
  const programs = ['unshare', 'setpriv', 'newuidmap'].filter((name) => !findProgram(name, ''));
  const [lacking] = [...programs, ...FILES.filter((path) => !existsSync(path))];
  if (lacking !== undefined) return `there is no ${lacking}`;
  using user = ordinaryUser();
  const files = ['package.json', 'node_modules/vitest/package.json'].map((path) => user.inRepository(path));
  const trial = `cat ${files.join(' ')} > /dev/null && exec ${user.node} --version`;
  const entry = ['unshare', '--user', '--map-root-user', '--map-auto', '--', 'sh', '-c', trial];
  const [program = '', ...words] = user.command(entry);
  const { status, stderr } = spawnSync(program, words, { env: user.env, encoding: 'utf8' });
  return status === 0 ? undefined : `one cannot do what tests need: ${stderr.trim().split('\n')[0]}`;
}

/** Makes one, with ids for containers unless told otherwise. */
export function ordinaryUser({ hasSubIds = true } = {}): OrdinaryUser {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-user-'));
  chmodSync(folder, 0o755);
  const home = join(folder, 'home');
  mkdirSync(home);
  chownSync(home, ID, ID);
  const subIds = hasSubIds ? `${NAME}:${FIRST_SUB_ID}:65536\n` : '';
  const own: Record<string, string> = {
    '/etc/passwd': `${readFileSync('/etc/passwd', 'utf8')}${NAME}:x:${ID}:${ID}::${home}:/bin/sh\n`,
    '/etc/group': `${readFileSync('/etc/group', 'utf8')}${NAME}:x:${ID}:\n`,
    '/etc/subuid': subIds,
    '/etc/subgid': subIds,
  };
  for (const [path, text] of Object.entries(own)) writeFileSync(join(folder, basename(path)), text);
  const { GANTRY_ROOTLESS: _mark, ...inherited } = process.env;
  return {
    command: (words) => {
      const namespace = ['unshare', '--mount', '--propagation', 'private', '--', '/bin/sh', '-c', SCRIPT];
      return [...namespace, 'gantry', folder, REPOSITORY, realpathSync(process.execPath), ...words];
    },
    env: { ...inherited, HOME: home, USER: NAME, LOGNAME: NAME },
    home,
    node: PLACES.node,
    inRepository: (path) => join(PLACES.repository, path),
    give: (path) => void execFileSync('chown', ['-R', `${ID}:${ID}`, path]),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
