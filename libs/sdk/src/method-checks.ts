import { InvalidError, type MethodSpec, type SubmitMessage } from '@gantry/protocol';

/** @throws {@link InvalidError} unless the class has the method, and it can be called remotely. */
export function assertCallable(
  methods: readonly { name: string; callable: boolean }[],
  method: string,
  label: string,
): void {
  if (methods.some((known) => known.name === method && known.callable)) return;
  const callable = methods.filter((known) => known.callable).map((known) => known.name);
  throw new InvalidError(`"${label}" is no method that can be called remotely`, {
    hint: `Put @method() above it and deploy again. Callable: ${callable.join(', ') || 'none'}.`,
  });
}

/** @throws {@link InvalidError} for a generator called for its result, and for the values of what is none. */
export function assertKind(
  handlerKind: MethodSpec['handlerKind'],
  kind: SubmitMessage['kind'],
  label: string,
): void {
  const isGenerator = handlerKind === 'generator' || handlerKind === 'asyncGenerator';
  if (isGenerator === (kind === 'generator')) return;
  throw isGenerator
    ? new InvalidError(`"${label}" is a generator, which has no single result`, {
        hint: 'Iterate over .remoteGen(...).',
      })
    : new InvalidError(`"${label}" is no generator`, { hint: 'Call .remote(...).' });
}
