import type { FunctionSpec, SourceSite } from '@gantry/protocol';

/** Something that a clustered function cannot be as well. */
export interface ClusterConflict {
  site: SourceSite;
  /** Such as `"train" is clustered and batched`. */
  what: string;
  hint: string;
}

const HINTS = {
  batched: 'Call the clustered function from a batched one.',
  concurrent: 'A gang runs one call at a time: leave "concurrent" out, and set maxContainers for more gangs.',
  'a web function': 'Call the clustered function from an endpoint of its own: await it.remote(value).',
  'without a private network':
    'Leave "privateNetwork: false" out: it is how its containers reach each other.',
  'a generator': 'Return one result, and send others values by a Queue.',
};

/** What contradicts that each call of a function has one result, that of rank 0; nothing for ordinary functions. */
export function clusterConflicts({ name, site, options, methods }: FunctionSpec): ClusterConflict[] {
  if (!options.cluster) return [];
  const conflict = (also: keyof typeof HINTS, where = site): ClusterConflict => {
    return { site: where, what: `"${name}" is clustered and ${also}`, hint: HINTS[also] };
  };
  return [
    ...(options.batching ? [conflict('batched')] : []),
    ...((options.maxInputs ?? 1) > 1 ? [conflict('concurrent')] : []),
    ...(options.privateNetwork === false ? [conflict('without a private network')] : []),
    ...methods.flatMap(({ web, handlerKind, site: where }) => {
      if (web) return [conflict('a web function', where)];
      return handlerKind.toLowerCase().endsWith('generator') ? [conflict('a generator', where)] : [];
    }),
  ];
}
