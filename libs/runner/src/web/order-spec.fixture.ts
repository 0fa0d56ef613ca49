import type { ParameterSpec, TypeSpec } from '@gantry/protocol';

function field(name: string, type: TypeSpec, optional = false): ParameterSpec {
  return { name, type, optional };
}

const string: TypeSpec = { type: 'string' };
const address: TypeSpec = { type: 'object', className: 'Address', fields: [field('city', string)] };
const item: TypeSpec = {
  type: 'object',
  className: 'Item',
  fields: [field('sku', string), field('count', { type: 'integer' })],
};

/** What the build step says about the class `Order` beside this file. */
export const ORDER_TYPE: TypeSpec = {
  type: 'object',
  className: 'Order',
  fields: [
    field('email', string),
    field('address', address),
    field('items', { type: 'array', items: item }),
    field('note', string, true),
    field('placedAt', { type: 'date' }, true),
  ],
};
