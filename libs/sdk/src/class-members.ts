import 'reflect-metadata';

import { InvalidError } from '@gantry/protocol';

import type { BatchedOptions, EndpointOptions } from './options.ts';
import type { AnyClass } from './registry.ts';

/** What decorators say about one member of a class. */
export interface MemberRecord {
  readonly name: string;
  readonly method?: true;
  readonly endpoint?: EndpointOptions;
  readonly batched?: BatchedOptions;
  readonly enter?: { readonly snap: boolean };
  readonly exit?: true;
  readonly parameter?: true;
}

const MEMBERS = 'gantry:members';

/** Notes what a decorator says about a member, next to what others said of it. */
export function recordMember(prototype: object, record: MemberRecord): void {
  const members = ownMembers(prototype);
  const before = members.get(record.name);
  for (const key of Object.keys(record)) {
    if (before && key !== 'name' && key in before) {
      throw new InvalidError(`"${record.name}" carries @${decoratorName(key)} twice`, {
        hint: 'Remove one.',
      });
    }
  }
  const merged = { ...before, ...record };
  assertCompatible(merged);
  members.set(record.name, merged);
}

/** Members over the whole prototype chain, ancestors first, an override in place of what it overrides. */
export function membersOf(target: AnyClass): MemberRecord[] {
  const chain: object[] = [];
  let prototype: unknown = target.prototype;
  while (prototype !== null && typeof prototype === 'object') {
    chain.unshift(prototype);
    prototype = Object.getPrototypeOf(prototype);
  }
  const members = new Map<string, MemberRecord>();
  for (const link of chain) for (const [name, record] of ownMembers(link)) members.set(name, record);
  return [...members.values()];
}

function ownMembers(prototype: object): Map<string, MemberRecord> {
  const known: unknown = Reflect.getOwnMetadata(MEMBERS, prototype);
  if (known instanceof Map) return known as Map<string, MemberRecord>;
  const members = new Map<string, MemberRecord>();
  Reflect.defineMetadata(MEMBERS, members, prototype);
  return members;
}

/** What a handle on an instance has, or must not have, under a name of its own. */
const TAKEN_NAMES = new Set([
  'withOptions',
  'withConcurrency',
  'withBatching',
  'then',
  'toJSON',
  'constructor',
]);

function assertCompatible(record: MemberRecord): void {
  const isCalled = record.method ?? record.endpoint ?? record.batched;
  if (isCalled && TAKEN_NAMES.has(record.name)) {
    throw new InvalidError(`a method that is called remotely cannot have the name "${record.name}"`, {
      hint: 'Handles of instances use that name themselves: choose another.',
    });
  }
  const hook = record.enter ? 'enter' : record.exit ? 'exit' : undefined;
  if (record.batched && (record.method || record.endpoint)) {
    const other = decoratorName(record.method ? 'method' : 'endpoint');
    throw new InvalidError(`"${record.name}" carries @batched together with @${other}`, {
      hint: `Remove @${other}(): a batched method is callable by itself, one input at a time.`,
    });
  }
  const callables = ['method', 'endpoint', 'batched'] as const;
  const call = callables.find((key) => record[key]);
  const other = hook === 'enter' && record.exit ? 'exit' : call;
  if (hook && other) {
    throw new InvalidError(
      `"${record.name}" carries @${decoratorName(hook)} together with @${decoratorName(other)}`,
      { hint: 'A lifecycle hook is called by the platform only: use two methods.' },
    );
  }
}

function decoratorName(key: string): string {
  return key === 'endpoint' ? 'fastapiEndpoint' : key;
}
