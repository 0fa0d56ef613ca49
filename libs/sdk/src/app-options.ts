import { InvalidError } from '@gantry/protocol';

import type { Client } from './client.ts';
import { checkResourceOptions } from './option-checks.ts';
import type { ResourceOptions } from './options.ts';
import type { Construct } from './registry.ts';

export type { Construct } from './registry.ts';

/**
 * What holds for everything that the app registers itself, unless a function or class says otherwise. `env` is
 * merged name by name, `volumes` path by path, `secrets` come before the function's own; of every other option the more particular one counts.
 */
export interface AppOptions extends ResourceOptions {
  /**
   * How the instances of its classes are made, in containers and for local calls; what a library for dependency
   * injection is for. Class parameters are set afterwards, `@enter` hooks run last. @defaultValue `new`, without
   * arguments
   */
  construct?: Construct;
}

export interface EntrypointOptions {
  /** How `gantry run file.ts::name` selects it. @defaultValue the name of the constant that holds it */
  name?: string;
}

export interface LookupOptions {
  /** Make an app without functions if there is none, such as a parent for sandboxes. @defaultValue false */
  createIfMissing?: boolean;
  /** @defaultValue the client's environment */
  environment?: string;
  /** @defaultValue `Client.default()` */
  client?: Client;
}

/** @throws {@link InvalidError} on an unknown option, or a value out of its range. */
export function checkAppOptions(name: string | undefined, { construct, ...options }: AppOptions): void {
  const subject = name === undefined ? 'new App' : `app "${name}"`;
  if (typeof options === 'object' && options !== null && 'name' in options) {
    throw new InvalidError(`${subject}: there is no option "name"`, {
      hint: "Write new App('name', { ... }).",
    });
  }
  if (construct !== undefined && typeof construct !== 'function') {
    throw new InvalidError(`${subject}: construct must be a function`, {
      hint: 'Write construct: (type) => container.resolve(type).',
    });
  }
  checkResourceOptions(subject, options);
}

/** The options of a function or class, completed by those of its app. */
export function withDefaults<TOptions extends ResourceOptions>(
  { construct: _, ...defaults }: AppOptions,
  options: TOptions,
): TOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const env = defaults.env || options.env ? { env: { ...defaults.env, ...options.env } } : {};
  const volumes =
    defaults.volumes || options.volumes ? { volumes: { ...defaults.volumes, ...options.volumes } } : {};
  const secrets = defaults.secrets ? { secrets: [...defaults.secrets, ...(options.secrets ?? [])] } : {};
  return { ...defaults, ...given, ...env, ...secrets, ...volumes } as TOptions;
}
