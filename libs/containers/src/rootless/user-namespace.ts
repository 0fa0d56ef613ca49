/** Set in processes that are in the namespaces of an ordinary user, as {@link rootlessCommand} makes them. */
const MARK = 'GANTRY_ROOTLESS';
/** Ordinary users have no programs of administrators on their path. */
const ADMIN_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Whether this process is root in namespaces of an ordinary user alone: it may mount, and give files to the ids that the
 * user has, but limits no processes and reaches the network of the machine as the user does.
 */
export function isRootless(): boolean {
  return process.env[MARK] !== undefined;
}

// What lies in /run stays reachable; what is made there is seen here alone. A hierarchy of cgroups that this user may
// not write to is hidden, as crun refuses those of mixed versions.
const ENTER = `
set -e
if [ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ]; then mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup; fi
machine=$(mktemp -d)
mount --rbind /run "$machine"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/.machine
mount --move "$machine" /run/.machine
rmdir "$machine"
for path in /run/.machine/*; do
  name=\${path##*/}
  case "$name" in gantry*) ;; *) [ -e "/run/$name" ] || ln -s ".machine/$name" "/run/$name" ;; esac
done
exec "$@"
`;

/**
 * The command that runs another one as root of namespaces of its own, with the ids that this user has in `/etc/subuid`
 * and `/etc/subgid`. It becomes the other command: nothing waits for it.
 */
export function rootlessCommand(command: readonly string[]): string[] {
  const namespaces = ['--user', '--map-root-user', '--map-auto', '--mount', '--propagation', 'slave'];
  return ['unshare', ...namespaces, '--', '/bin/sh', '-c', ENTER, 'gantry', ...command];
}

/** The environment of that command. */
export function rootlessEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: withAdminFolders(env['PATH'] ?? ''), [MARK]: '1' };
}

/** A path of programs on which those of administrators are as well. */
export function withAdminFolders(path: string): string {
  const folders = path.split(':').filter(Boolean);
  return [...folders, ...ADMIN_FOLDERS.filter((folder) => !folders.includes(folder))].join(':');
}
