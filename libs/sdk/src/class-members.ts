import 'reflect-metadata';

import { InvalidError, type WebSpec } from '@gantry/protocol';

import type { BatchedOptions } from './options.ts';
import type { AnyClass } from './registry.ts';

/** What decorators say about one member of a class. */
export interface MemberRecord {
  readonly name: string;
  readonly method?: true;
  readonly web?: WebSpec;
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
      const [first, second] = [decoratorName(before, key), decoratorName(record, key)];
      const what = first === second ? `@${first} twice` : `both @${first} and @${second}`;
      throw new InvalidError(`"${record.name}" carries ${what}`, { hint: 'Remove one.' });
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
  assertNotCalled(record);
  const isCalled = record.method ?? record.web ?? record.batched;
  if (isCalled && TAKEN_NAMES.has(record.name)) {
    throw new InvalidError(`a method that is called remotely cannot have the name "${record.name}"`, {
      hint: 'Handles of instances use that name themselves: choose another.',
    });
  }
  const hook = record.enter ? 'enter' : record.exit ? 'exit' : undefined;
  if (record.batched && (record.method || record.web)) {
    const other = decoratorName(record, record.method ? 'method' : 'web');
    throw new InvalidError(`"${record.name}" carries @batched together with @${other}`, {
      hint: `Remove @${other}(): a batched method is callable by itself, one input at a time.`,
    });
  }
  const callables = ['method', 'web', 'batched'] as const;
  const call = callables.find((key) => record[key]);
  const other = hook === 'enter' && record.exit ? 'exit' : call;
  if (hook && other) {
    throw new InvalidError(
      `"${record.name}" carries @${decoratorName(record, hook)} together with @${decoratorName(record, other)}`,
      { hint: 'A lifecycle hook is called by the platform only: use two methods.' },
    );
  }
}

/** What makes a web app is called by the platform alone. */
function assertNotCalled(record: MemberRecord): void {
  if (record.method && record.web && record.web.type !== 'endpoint') {
    throw new InvalidError(
      `"${record.name}" carries @method together with @${decoratorName(record, 'web')}`,
      {
        hint: 'It is called by the platform only, once per container: use two methods.',
      },
    );
  }
}

/** What users call the decorator of a kind of web function. */
export const WEB_DECORATORS: Readonly<Record<WebSpec['type'], string>> = {
  endpoint: 'fastapiEndpoint',
  asgi: 'asgiApp',
  wsgi: 'wsgiApp',
  server: 'webServer',
};

function decoratorName({ web }: MemberRecord, key: string): string {
  return key === 'web' && web ? WEB_DECORATORS[web.type] : key;
}
