import { request as httpRequest, type IncomingMessage } from 'node:http';

import type { TypeSpec } from '@gantry/protocol';
import { IsString, Min } from 'class-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ORDER_TYPE } from './order-spec.fixture.ts';
import { Order } from './order.fixture.ts';
import { param, TestEndpoints, type TestAsk } from './web-server.fixture.ts';

/** A class without rules would take any age. */
class Application {
  @Min(18)
  age!: number;

  @IsString({ each: true })
  tags: string[] = [];
}

const APPLICATION_TYPE: TypeSpec = {
  type: 'object',
  className: 'Application',
  fields: [param('age', 'integer'), param('tags', { type: 'array', items: { type: 'string' } }, true)],
};

/** A form as a browser sends it. */
async function encoded(form: FormData): Promise<TestAsk> {
  const response = new Response(form);
  const headers = { 'content-type': response.headers.get('content-type') ?? '' };
  return { headers, body: new Uint8Array(await response.arrayBuffer()) };
}

const server = new TestEndpoints();
const echo = (...args: unknown[]) => args;

server.add(
  'typed',
  {},
  {
    params: [
      param('n', 'integer'),
      param('x', 'number', true),
      param('flag', 'boolean', true),
      param('at', 'date', true),
      param('kind', { type: 'enum', values: ['a', 'b'] }, true),
      param('tags', { type: 'array', items: { type: 'integer' } }, true),
    ],
    run: echo,
  },
);
server.add('defaults', {}, { params: [param('n', 'integer', true)], run: (n: number = 42) => n });
server.add(
  'order',
  { method: 'POST' },
  {
    params: [param('order', ORDER_TYPE), param('dry', 'boolean', true)],
    paramTypes: [Order, Boolean],
    run: (order: Order, dry?: boolean) => ({ isOrder: order instanceof Order, text: order.describe(), dry }),
  },
);
server.add(
  'any',
  { method: 'POST' },
  { params: [param('body', 'unknown')], run: (body: unknown) => ({ body }) },
);
server.add('two', { method: 'PUT' }, { params: [param('a', 'unknown'), param('b', 'unknown')], run: echo });
server.add(
  'bytes',
  { method: 'POST' },
  { params: [param('data', 'bytes')], run: (data: Uint8Array) => data },
);
server.add(
  'request',
  { method: 'POST' },
  {
    params: [param('request', 'request')],
    run: async (request: Request) => ({
      url: request.url,
      method: request.method,
      body: await request.text(),
    }),
  },
);
server.add(
  'upload',
  { method: 'POST' },
  {
    params: [param('file', 'file'), param('times', 'integer')],
    run: async (file: File, times: number) => [file.name, (await file.text()).repeat(times)],
  },
);

server.add(
  'item',
  { path: '/shops/:shop/items/:id', headers: { token: 'X-Token', at: 'X-At' } },
  {
    params: [
      param('shop', 'string'),
      param('id', 'integer'),
      param('token', 'string'),
      param('at', 'date', true),
      param('lang', 'string', true),
    ],
    run: echo,
  },
);
server.add(
  'login',
  { method: 'POST', form: true },
  { params: [param('user', 'string'), param('stay', 'boolean', true)], run: echo },
);
server.add(
  'apply',
  { method: 'POST', form: true },
  {
    params: [
      param('application', APPLICATION_TYPE),
      param('papers', { type: 'array', items: { type: 'file' } }),
    ],
    paramTypes: [Application],
    run: (application: Application, papers: File[]) => [
      application instanceof Application,
      application.age,
      application.tags,
      papers.map(({ name, size }) => [name, size]),
    ],
  },
);
server.add(
  'many',
  { method: 'POST' },
  {
    params: [param('orders', { type: 'array', items: ORDER_TYPE })],
    paramTypes: [Array],
    run: (orders: Order[]) => orders.map((order) => [order instanceof Order, order.describe()]),
  },
);

beforeAll(() => server.start(10_000));

afterAll(() => server[Symbol.asyncDispose]());

const JSON_TYPE = { 'content-type': 'application/json' };

const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

describe('arguments', () => {
  test('come from the path and from headers, converted', async () => {
    const headers = { 'x-token': 'secret', 'x-at': '2030-01-01' };
    const found = await server.ask('item', { path: '/shops/n%C3%B6rd/items/7?lang=de', headers });
    expect(found.json).toEqual(['nörd', 7, 'secret', '2030-01-01T00:00:00.000Z', 'de']);

    const wrong = await server.ask('item', { path: '/shops/a/items/b', headers: { 'x-at': 'soon' } });
    expect(wrong.status).toBe(422);
    expect((wrong.json as { detail: { loc: unknown }[] }).detail.map(({ loc }) => loc)).toEqual([
      ['path', 'id'],
      ['header', 'x-token'],
      ['header', 'x-at'],
    ]);
    for (const path of ['/', '/shops/a/items', '/shops/a/items/7/', '/shops/a/items/%E0']) {
      expect((await server.ask('item', { path, headers })).status, path).toBe(404);
    }
  });

  test('come from the fields of a form, where the endpoint takes one', async () => {
    const sent = await server.ask('login', { headers: FORM_TYPE, body: 'user=J%C3%BCrgen+M&stay=on' });
    expect(sent.json).toEqual(['Jürgen M', true]);
    expect(await server.ask('login', { headers: FORM_TYPE, body: 'stay=on' })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['body', 'user'], type: 'missing' }] },
    });
    expect((await server.ask('login', { headers: JSON_TYPE, body: '{"user":"a"}' })).status).toBe(415);
  });

  test('of a class come from a form beside files, validated', async () => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ age: '41', tags: 'a' })) form.append(name, value);
    form.append('tags', 'b');
    for (const name of ['cv.pdf', 'letter.pdf']) form.append('papers', new File(['four'], name));
    expect((await server.ask('apply', await encoded(form))).json).toEqual([
      true,
      41,
      ['a', 'b'],
      [
        ['cv.pdf', 4],
        ['letter.pdf', 4],
      ],
    ]);

    form.set('age', '12');
    expect(await server.ask('apply', await encoded(form))).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['body', 'age'], type: 'min' }] },
    });
  });

  test('may be a list of objects of a class, each validated', async () => {
    const good = { email: 'a@b.co', address: { city: 'Ulm' }, items: [{ sku: 'x' }] };
    const sent = await server.ask('many', { headers: JSON_TYPE, body: JSON.stringify([good, good]) });
    expect(sent.json).toEqual([
      [true, '1 for Ulm'],
      [true, '1 for Ulm'],
    ]);
    const bad = JSON.stringify([good, { ...good, email: 'a' }]);
    expect(await server.ask('many', { headers: JSON_TYPE, body: bad })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['body', 1, 'email'], type: 'isEmail' }] },
    });
  });

  test('come converted from the query', async () => {
    const path = '/?n=5&x=1.5&flag=yes&at=2030-01-01&kind=b&tags=1&tags=2';
    expect((await server.ask('typed', { path })).json).toEqual([
      5,
      1.5,
      true,
      '2030-01-01T00:00:00.000Z',
      'b',
      [1, 2],
    ]);
  });

  test('name every query parameter that is wrong or missing', async () => {
    const refused = await server.ask('typed', { path: '/?x=abc&kind=c&tags=1&tags=q' });
    expect(refused.status).toBe(422);
    expect(refused.json).toEqual({
      detail: [
        { loc: ['query', 'n'], msg: 'Field required', type: 'missing' },
        { loc: ['query', 'x'], msg: 'Input should be a valid number', type: 'float_parsing' },
        { loc: ['query', 'kind'], msg: "Input should be 'a' or 'b'", type: 'enum' },
        { loc: ['query', 'tags', 1], msg: 'Input should be a valid integer', type: 'int_parsing' },
      ],
    });
  });

  test('left out take the default of the method', async () => {
    expect((await server.ask('defaults')).json).toBe(42);
    expect((await server.ask('defaults', { path: '/?n=7' })).json).toBe(7);
  });

  test('of a class come from the JSON body, validated', async () => {
    const body = JSON.stringify({ email: 'a@b.co', address: { city: 'Ulm' }, items: [{ sku: 'x' }] });
    const good = await server.ask('order', { headers: JSON_TYPE, body, path: '/?dry=true' });
    expect(good.json).toEqual({ isOrder: true, text: '1 for Ulm', dry: true });
    const bad = await server.ask('order', {
      headers: JSON_TYPE,
      body: JSON.stringify({ email: 'a', items: [{ count: 0 }] }),
    });
    expect(bad.status).toBe(422);
    expect((bad.json as { detail: { loc: unknown }[] }).detail.map(({ loc }) => loc)).toEqual([
      ['body', 'address'],
      ['body', 'items', 0, 'sku'],
      ['body', 'items', 0, 'count'],
      ['body', 'email'],
    ]);
  });

  test('without a declared shape take any JSON', async () => {
    expect((await server.ask('any', { headers: JSON_TYPE, body: '[1,{"a":null}]' })).json).toEqual({
      body: [1, { a: null }],
    });
    expect((await server.ask('two', { headers: JSON_TYPE, body: '{"a":1,"b":[2]}' })).json).toEqual([1, [2]]);
  });

  test('that are no JSON are refused with a reason', async () => {
    expect(await server.ask('any', { headers: JSON_TYPE, body: '{' })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['body'], type: 'json_invalid' }] },
    });
    expect(await server.ask('any')).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['body'], type: 'missing' }] },
    });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await server.ask('any', { headers: form, body: 'a=1' })).toMatchObject({
      status: 415,
      json: { detail: expect.stringContaining('application/json') },
    });
  });

  test('above the limit are refused before they are read', async () => {
    const headers = { ...JSON_TYPE, 'content-length': 100_000_001, expect: '100-continue' };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(
        { socketPath: server.socketPath, method: 'POST', headers: { ...headers, 'gantry-method': 'any' } },
        resolve,
      );
      request.on('error', reject);
      request.flushHeaders();
    });
    expect(response.statusCode).toBe(413);
    response.destroy();
  });

  test('may be the raw body, or the request itself', async () => {
    const bytes = await server.ask('bytes', { body: new Uint8Array([1, 2, 255]) });
    expect(bytes.headers['content-type']).toBe('application/octet-stream');
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example' };
    expect((await server.ask('request', { body: 'hi', headers, path: '/?q=1' })).json).toEqual({
      url: 'https://shop.example/?q=1',
      method: 'POST',
      body: 'hi',
    });
  });

  test('may be files and fields of a form', async () => {
    const form = new FormData();
    form.set('file', new File(['ab'], 'a.txt'));
    form.set('times', '3');
    const encoded = new Response(form);
    const headers = { 'content-type': encoded.headers.get('content-type') ?? '' };
    const body = new Uint8Array(await encoded.arrayBuffer());
    expect((await server.ask('upload', { headers, body })).json).toEqual(['a.txt', 'ababab']);
    const empty = new Response(new FormData());
    const refused = await server.ask('upload', {
      headers: { 'content-type': empty.headers.get('content-type') ?? '' },
      body: new Uint8Array(await empty.arrayBuffer()),
    });
    expect(refused).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['body', 'file'] }, { loc: ['body', 'times'] }] },
    });
  });
});
