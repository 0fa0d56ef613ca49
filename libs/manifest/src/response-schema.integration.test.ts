import type { ResponseSpec } from '@gantry/protocol';
import { beforeAll, describe, expect, test } from 'vitest';

import { aProject } from './project.fixture.ts';

const HEAD = `
import { App, fastapiEndpoint } from 'gantry';
export const app = new App('shop');
enum Level { Low = 'low', High = 'high' }
interface Tree { value: number; children: Tree[] }
class Money { cents = 0n; toJSON() { return String(this.cents); } }
class Order {
  /** Given by the shop. */
  id!: string;
  level!: Level;
  placedAt?: Date;
  note!: string | null;
  #secret = 1;
  total() { return this.#secret; }
}
type Found = { kind: 'one'; order: Order } | { kind: 'none' };
`;

const json = (schema: object) => ({ contentType: 'application/json', schema });
const text = { type: 'string' };

const WITHOUT_NAMES: [handler: string, response: unknown][] = [
  ['() => {}', json({ type: 'null' })],
  [
    'async () => ({ n: 1, ok: true })',
    json({
      type: 'object',
      properties: { n: { type: 'number' }, ok: { type: 'boolean' } },
      required: ['n', 'ok'],
    }),
  ],
  ['(): string | null => null', json({ anyOf: [{ type: 'null' }, text] })],
  ["(): 'b' | 'a' | 1 => 'a'", json({ enum: ['a', 'b', 1] })],
  ['() => [new Date()]', json({ type: 'array', items: { type: 'string', format: 'date-time' } })],
  [
    '(): [string, number?] => ["a"]',
    json({
      type: 'array',
      prefixItems: [text, { anyOf: [{ type: 'null' }, { type: 'number' }] }],
      minItems: 1,
      maxItems: 2,
    }),
  ],
  [
    '() => ({ bytes: new Uint8Array(1) })',
    json({
      type: 'object',
      properties: { bytes: { type: 'string', contentEncoding: 'base64' } },
      required: ['bytes'],
    }),
  ],
  [
    '(): Map<string, Set<number>> => new Map()',
    json({
      type: 'object',
      additionalProperties: { type: 'array', items: { type: 'number' }, uniqueItems: true },
    }),
  ],
  [
    '(): Record<string, bigint> => ({})',
    json({ type: 'object', additionalProperties: { anyOf: [{ type: 'integer' }, text] } }),
  ],
  [
    '(): { a?: number; f(): void } => ({ f() {} })',
    json({ type: 'object', properties: { a: { type: 'number' } } }),
  ],
  ['() => new Uint8Array(1)', { contentType: 'application/octet-stream' }],
  ['function* () { yield "a"; }', { contentType: 'text/plain', schema: text }],
  [
    'async function* () { yield { n: 1 }; }',
    {
      contentType: 'application/x-ndjson',
      schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    },
  ],
  ['() => new Response("a")', undefined],
  ['(): Response | string => "a"', undefined],
  ['() => JSON.parse("1")', undefined],
];

const WITH_NAMES: [handler: string, schema: unknown, components: unknown][] = [
  [
    '(): Tree => ({ value: 1, children: [] })',
    { $ref: '#/components/schemas/Tree' },
    {
      Tree: {
        type: 'object',
        properties: {
          value: { type: 'number' },
          children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } },
        },
        required: ['value', 'children'],
      },
    },
  ],
  ['() => new Money()', text, undefined],
  [
    '(): Found => ({ kind: "none" })',
    { $ref: '#/components/schemas/Found' },
    {
      Found: {
        anyOf: [
          { type: 'object', properties: { kind: { enum: ['none'] } }, required: ['kind'] },
          {
            type: 'object',
            properties: { kind: { enum: ['one'] }, order: { $ref: '#/components/schemas/Order' } },
            required: ['kind', 'order'],
          },
        ],
      },
      Level: { enum: ['high', 'low'] },
      Order: {
        type: 'object',
        properties: {
          id: { type: 'string', description: 'Given by the shop.' },
          level: { $ref: '#/components/schemas/Level' },
          placedAt: { type: 'string', format: 'date-time' },
          note: { anyOf: [{ type: 'null' }, text] },
        },
        required: ['id', 'level', 'note'],
      },
    },
  ],
];

describe('the docs of an endpoint describe what it answers', () => {
  let responses: (ResponseSpec | undefined)[];
  let undocumented: unknown;

  beforeAll(async () => {
    const handlers = [...WITHOUT_NAMES, ...WITH_NAMES].map(([handler]) => handler);
    const lines = handlers.map(
      (handler, at) => `export const f${at} = app.function({}, fastapiEndpoint({ docs: true }, ${handler}));`,
    );
    const plain = 'export const plain = app.function({}, fastapiEndpoint({}, () => 1));';
    await using project = await aProject({ 'src/app.ts': `${HEAD}${lines.join('\n')}\n${plain}\n` });
    const { manifest } = await project.build();
    const specs = manifest.functions.map(({ methods: [method] }) => method?.web);
    responses = specs.map((web) => (web?.type === 'endpoint' ? web.response : undefined));
    undocumented = responses.pop();
  });

  test.each(WITHOUT_NAMES.map((each, at) => [...each, at] as const))('%s', (_, response, at) => {
    expect(responses[at]).toEqual(response);
  });

  test.each(WITH_NAMES.map((each, at) => [...each, at] as const))('%s', (_, schema, components, at) => {
    const found = responses[WITHOUT_NAMES.length + at];
    expect(found?.schema).toEqual(schema);
    expect(found?.components).toEqual(components);
  });

  test('and not where there are no docs', () => {
    expect(undocumented).toBeUndefined();
  });
});
