import {
  type CollectionRequest,
  type PackedAnswer,
  type PackedOperation,
  packOperation,
  type WireError,
} from '@gantry/protocol';

/** Where a process of this machine answers, and what only those know who may ask. */
export interface NearAddress {
  /** Of a socket that is no file. */
  name: string;
  secret: Uint8Array;
  /** It takes packed questions, which those of earlier versions do not. */
  takesPacked?: boolean;
}

export type NearQuestion =
  /** The first one. */
  { secret: Uint8Array } | { id: number; message: unknown } | { ping: number } | PackedQuestion;

/** What is most often asked, as a list, see `packOperation`: to do something with a dict or queue. */
export type PackedQuestion = [id: number, op: string, operation: PackedOperation];

export type NearAnswer =
  | { id: number; value: unknown }
  | { id: number; error: WireError }
  | { pong: number }
  /** To a packed question. */
  | [id: number, answer: PackedAnswer];

/** Undefined for what is not sent packed. */
export function packQuestion(id: number, message: unknown): PackedQuestion | undefined {
  const { op, operation } = (message ?? {}) as Partial<CollectionRequest>;
  if (op === undefined || operation === undefined) return undefined;
  const packed = packOperation(operation);
  return packed && [id, op, packed];
}
