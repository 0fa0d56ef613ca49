import { isRootless } from './rootless/user-namespace.ts';

/** The name of an attribute in which overlayfs notes something, as in `opaque`. In a user namespace it takes other ones. */
export function overlayAttribute(name: string): string {
  return `${isRootless() ? 'user' : 'trusted'}.overlay.${name}`;
}
