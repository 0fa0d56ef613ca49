import type { ParameterSpec, ResponseSpec, SourceSite } from '@gantry/protocol';

import type { HandlerKind } from './handler-kind.ts';

/** What the compiler knows of a function, a method or an entrypoint. */
export interface HandlerFacts {
  params: ParameterSpec[];
  /** Writes it as TypeScript for callers; `unlisted` for those of a batched one. */
  signature: (unlisted: boolean) => string;
  /** Describes what it answers as an endpoint. */
  response: () => ResponseSpec | undefined;
  doc?: string | undefined;
  site: SourceSite;
  /** What the return type says, for a function that is neither `async` nor a generator by syntax. */
  returns?: HandlerKind | undefined;
}

/** What the compiler knows of an app class. */
export interface ClassFacts {
  doc?: string | undefined;
  methods: Map<string, HandlerFacts>;
  parameters: Map<string, ParameterSpec>;
}

/** The compiler's facts by build site. */
export interface AppFacts {
  handlers: Map<string, HandlerFacts>;
  classes: Map<string, ClassFacts>;
  /** Of functions that images run: what has to be the same for their result to count, by `file:line` of the call. */
  functionSources: Map<string, string>;
  /** What the signatures that were written so far name: types as TypeScript, by name. */
  types: ReadonlyMap<string, string>;
}

/** The key that joins a registration in the evaluated bundle with the compiler's facts. */
export function siteKey(site: { file: string; line: number; name?: string | undefined }): string {
  return `${site.file}:${site.line}:${site.name ?? ''}`;
}
