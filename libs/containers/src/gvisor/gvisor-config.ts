import { ociConfig, type OciConfigOptions } from '../runc/oci-config.ts';
import { outerFolder } from './gvisor-launch.ts';

/** Of what {@link ociConfig} makes. */
interface OciConfig {
  mounts: { destination: string }[];
  linux: { namespaces: { type: string }[] };
}

const OWN_NETWORK = '/proc/self/ns/net';

/**
 * The `config.json` of a container for gVisor: that of other runtimes, less what concerns the kernel of the machine, which
 * its programs never reach. Groups, with their limits, and the network are made before it is started.
 *
 * @param bundle - Folder of the container on this machine.
 */
export function gvisorConfig(
  options: Omit<OciConfigOptions, 'cgroupPath' | 'limitsSwap' | 'seccomp'>,
  bundle: string,
): object {
  const config = ociConfig({ ...options, cgroupPath: '', limitsSwap: false, seccomp: {} }) as OciConfig;
  const { namespaces, ...linux } = config.linux;
  const ofMachine = (['run', 'tmp'] as const).map((name) => ({
    ...{ destination: `/${name}`, type: 'none', source: outerFolder(bundle, name) },
    options: ['bind', 'rw', 'nosuid', 'nodev'],
  }));
  const others = config.mounts.filter(({ destination }) => destination !== '/run');
  return {
    ...config,
    // First: what a user mounts may lie in there.
    mounts: [...ofMachine, ...others],
    linux: {
      ...linux,
      ...{ cgroupsPath: undefined, resources: undefined, seccomp: undefined, sysctl: undefined },
      namespaces: namespaces
        .filter(({ type }) => type !== 'cgroup')
        .map(({ type }) => (type === 'network' ? { type, path: OWN_NETWORK } : { type })),
    },
  };
}
