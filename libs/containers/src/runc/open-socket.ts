import { closeSync, constants, fstatSync, openSync } from 'node:fs';

/** Opens the thing itself, whatever it is; Node does not name it. */
const O_PATH = 0o10_000_000;

/** A file descriptor of the socket with this path itself, where there is one: what is a link is not followed. */
export function openSocket(path: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
    if (fstatSync(fd).isSocket()) return fd;
  } catch {
    // It does not listen yet, or has ended.
  }
  if (fd !== undefined) closeSync(fd);
  return undefined;
}
