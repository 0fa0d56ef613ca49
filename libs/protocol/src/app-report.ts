import type { WireError } from './errors.ts';
import type { DeployReply } from './http-api.ts';
import type { SourceSite } from './manifest.ts';

/**
 * What `gantry app up` tells the program that started it, as one line of JSON: which app is up, and where its
 * functions stand in the sources, or why none is.
 */
export type AppReport =
  | { type: 'up'; reply: DeployReply; environment: string; functions: { name: string; site: SourceSite }[] }
  | { type: 'failed'; error: WireError };
