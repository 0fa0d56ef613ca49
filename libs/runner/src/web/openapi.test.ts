import type { FunctionSpec, Json, MethodSpec, ParameterSpec, EndpointSpec } from '@gantry/protocol';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';

import { docsPage } from './docs-page.ts';
import { openApiDocument } from './openapi.ts';
import { ORDER_TYPE } from './order-spec.fixture.ts';
import './order.fixture.ts';

const SITE = { file: 'app.ts', line: 1 };

function describeEndpoint(
  params: ParameterSpec[],
  verb: EndpointSpec['method'],
  { doc, ...more }: Partial<EndpointSpec> & { doc?: string } = {},
) {
  const web: EndpointSpec = { type: 'endpoint', method: verb, docs: true, ...more };
  const method: MethodSpec = {
    name: 'place',
    handlerKind: 'async',
    callable: false,
    params,
    web,
    doc,
    site: SITE,
  };
  const spec: FunctionSpec = {
    name: 'Shop',
    kind: 'class',
    site: SITE,
    options: {},
    methods: [method],
    parameters: [{ name: 'region', type: { type: 'string' }, optional: false }],
    hooks: { enter: [], exit: [] },
  };
  return openApiDocument(spec, method, web);
}

/** What the schema of OpenAPI 3.1 finds wrong. */
async function mistakesIn(document: object): Promise<unknown> {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  return valid ? [] : errors;
}

describe('openApiDocument', () => {
  test('describes query parameters, those of the class included', () => {
    const n: ParameterSpec = {
      name: 'n',
      type: { type: 'integer' },
      optional: true,
      defaultValue: 5,
      doc: 'How many.',
    };
    expect(describeEndpoint([n], 'GET').paths['/']?.['get']?.['parameters']).toEqual([
      { name: 'region', in: 'query', required: true, schema: { type: 'string' } },
      {
        name: 'n',
        in: 'query',
        required: false,
        description: 'How many.',
        schema: { type: 'integer', default: 5 },
      },
    ]);
  });

  test('describes a body class and its nested classes as components', () => {
    const document = describeEndpoint([{ name: 'order', type: ORDER_TYPE, optional: false }], 'POST');
    expect(document.paths['/']?.['post']?.['requestBody']).toEqual({
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } },
    });
    expect(document.components.schemas['Order']).toMatchObject({
      required: ['email', 'address', 'items'],
      properties: {
        email: { type: 'string', format: 'email' },
        items: { type: 'array', items: { $ref: '#/components/schemas/Item' } },
        placedAt: { type: 'string', format: 'date-time' },
      },
    });
    expect(Object.keys(document.components.schemas)).toContain('Address');
  });

  test('describes parameters of the path and of headers', () => {
    const id: ParameterSpec = { name: 'id', type: { type: 'integer' }, optional: false };
    const token: ParameterSpec = { name: 'token', type: { type: 'string' }, optional: true };
    const { paths } = describeEndpoint([id, token], 'GET', {
      path: '/items/:id',
      headers: { token: 'X-Token' },
    });

    expect(paths['/items/{id}']?.['get']?.['parameters']).toMatchObject([
      { name: 'region', in: 'query' },
      { name: 'id', in: 'path', required: true, schema: { type: 'integer' } },
      { name: 'X-Token', in: 'header', required: false },
    ]);
  });

  test('describes a form: its parameters, and the fields of its object', () => {
    const papers: ParameterSpec = {
      name: 'papers',
      type: { type: 'array', items: { type: 'file' } },
      optional: false,
    };
    const body: ParameterSpec = { name: 'order', type: ORDER_TYPE, optional: false };
    const { paths } = describeEndpoint([papers, body], 'POST', { form: true });

    expect(paths['/']?.['post']?.['requestBody']).toMatchObject({
      content: {
        'multipart/form-data': {
          schema: {
            required: ['papers', 'email', 'address', 'items'],
            properties: { papers: { type: 'array', items: { type: 'string', format: 'binary' } } },
          },
        },
      },
    });
  });

  test('describes answers, with what they refer to', async () => {
    const order = { $ref: '#/components/schemas/Order' };
    const components = {
      Order: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
      Page: { type: 'object', properties: { orders: { type: 'array', items: order } } },
    };
    const response = {
      contentType: 'application/json',
      schema: { $ref: '#/components/schemas/Page' },
      components,
    };
    const taken = { name: 'order', type: ORDER_TYPE, optional: false };
    const document = describeEndpoint([taken], 'POST', { response });

    expect(document.paths['/']?.['post']?.['responses']).toMatchObject({
      200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Page' } } } },
    });
    // The order that is sent has other fields than the one that is answered.
    const answered = { $ref: '#/components/schemas/OrderResponse' };
    expect(document.components.schemas).toMatchObject({
      Order: { required: ['email', 'address', 'items'] },
      OrderResponse: components.Order,
      Page: { properties: { orders: { items: answered } } },
    });
    expect(await mistakesIn(document)).toEqual([]);
  });

  test('of a class that is taken and answered keeps its rules', () => {
    const fields = ['address', 'email', 'items', 'note', 'placedAt'].map((name) => [name, {}]);
    const components = {
      Order: { type: 'object', properties: Object.fromEntries(fields) as object as Json },
    };
    const schema = { $ref: '#/components/schemas/Order' };
    const response = { contentType: 'application/json', schema, components };
    const { components: known } = describeEndpoint(
      [{ name: 'order', type: ORDER_TYPE, optional: false }],
      'POST',
      { response },
    );
    expect(known.schemas['Order']).toMatchObject({ properties: { email: { format: 'email' } } });
    expect(Object.keys(known.schemas)).not.toContain('OrderResponse');
  });

  test.each([
    ['bytes', { contentType: 'application/octet-stream' }, { 'application/octet-stream': {} }],
    [
      'lines',
      { contentType: 'application/x-ndjson', schema: { type: 'null' } },
      { 'application/x-ndjson': { schema: { type: 'null' } } },
    ],
    ['what nobody knows', undefined, { 'application/json': { schema: {} } }],
  ])('describes answers of %s', async (_, response, content) => {
    const document = describeEndpoint([], 'GET', { response });
    expect(document.paths['/']?.['get']?.['responses']).toMatchObject({ 200: { content } });
    expect(await mistakesIn(document)).toEqual([]);
  });

  test('is safe to put into a page', () => {
    const page = docsPage(describeEndpoint([], 'GET', { doc: 'Ends </script><script>alert(1)</script>' }));
    expect(page).not.toContain('</script><script>alert');
    expect(page).not.toMatch(/src=|https?:\/\//);
  });
});
