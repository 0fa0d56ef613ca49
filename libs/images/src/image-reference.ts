import { InvalidError } from '@gantry/protocol';

/** Where an image of a registry lies. */
export interface ImageReference {
  /** Host, with port if there is one. */
  registry: string;
  /** With registry, and `latest` where neither tag nor digest is given. */
  full: string;
  /** The registry is on this machine: it is spoken to without TLS. */
  isLoopback: boolean;
}

const DEFAULT_REGISTRY = 'docker.io';
const REFERENCE = /^[a-z0-9]+(?:(?:[./]|__?|-+)[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/**
 * Reads a reference as Docker does: `node:22-slim` is `docker.io/library/node:22-slim`.
 *
 * @throws InvalidError if it is none.
 */
export function readReference(text: string): ImageReference {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  const hasRegistry = /[.:]/.test(first) || first === 'localhost';
  const registry = hasRegistry ? first : DEFAULT_REGISTRY;
  let path = hasRegistry ? text.slice(slash + 1) : text;
  if (!REFERENCE.test(path) || !/^[\w.[\]:-]+$/.test(registry)) {
    throw new InvalidError(`"${text}" is no image of a registry`, {
      hint: 'Write it as "node:22-slim" or "ghcr.io/owner/name:tag", in lower case.',
    });
  }
  if (registry === DEFAULT_REGISTRY && !path.includes('/')) path = `library/${path}`;
  const full = `${registry}/${/[:@]/.test(path) ? path : `${path}:latest`}`;
  return { registry, full, isLoopback: /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(registry) };
}
