/** Where official images of Node have it, and those in which the platform has put one. */
export const OWN_NODE = '/usr/local/bin/node';

/** The oldest in which runners run. */
const OLDEST = { major: 22, minor: 12 };

/** Whether an image says, with `NODE_VERSION`, that it has a Node in which its functions can run. */
export function saysOwnNode(env: Readonly<Record<string, string>>): boolean {
  const version = /^(?<major>\d+)(?:\.(?<minor>\d+))?/.exec(env['NODE_VERSION'] ?? '')?.groups;
  const major = Number(version?.['major'] ?? 0);
  // "22" is the newest one of these.
  const minor = Number(version?.['minor'] ?? Number.POSITIVE_INFINITY);
  return major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
}
