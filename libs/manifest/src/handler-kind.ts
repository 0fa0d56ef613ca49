import type { MethodSpec } from '@gantry/protocol';

/** How a handler delivers its result. */
export type HandlerKind = MethodSpec['handlerKind'];
