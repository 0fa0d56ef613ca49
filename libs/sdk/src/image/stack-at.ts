export type AnyCallee = (...args: never[]) => unknown;

/** Where the one was that called this function: the build finds the line of a step by it. */
export function stackAt(callee: AnyCallee): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  return holder.stack ?? '';
}
