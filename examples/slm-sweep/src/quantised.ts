import { layoutOf, Model, type Shape } from './model.ts';

const HEAD_BYTES = 12;

/**
 * Packs a model into a quarter of its size, a byte for each weight: small enough (16 KiB) for the parameter of a class.
 * The head is the shape, two bytes each, two bytes of nothing, and the value of one unit.
 */
export function quantise({ shape, weights }: Model): Uint8Array {
  const most = weights.reduce((sofar, weight) => Math.max(sofar, Math.abs(weight)), 0);
  const unit = most / 127 || 1;
  const bytes = new Uint8Array(HEAD_BYTES + weights.length);
  const view = new DataView(bytes.buffer);
  [shape.context, shape.width, shape.hidden].forEach((value, at) => view.setUint16(at * 2, value));
  view.setFloat32(8, unit);
  weights.forEach((weight, at) => view.setInt8(HEAD_BYTES + at, Math.round(weight / unit)));
  return bytes;
}

/** @throws RangeError if the bytes are no model. */
export function restore(bytes: Uint8Array): Model {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [context = 0, width = 0, hidden = 0] = [0, 2, 4].map((at) => view.getUint16(at));
  const shape: Shape = { context, width, hidden };
  const { size } = layoutOf(shape);
  if (bytes.length !== HEAD_BYTES + size) throw new RangeError('these bytes are no model');
  const unit = view.getFloat32(8);
  return new Model(
    shape,
    Float32Array.from({ length: size }, (_, at) => view.getInt8(HEAD_BYTES + at) * unit),
  );
}
