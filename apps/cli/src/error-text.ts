const MOST_ERRORS = 50;

/** The stack of an error, then those of its cause and of the errors that it brings together, each of them once. */
export function errorText(error: Error): string {
  const told = new Set<Error>();
  const tell = (next: unknown, opening: string): string => {
    if (!(next instanceof Error) || told.has(next) || told.size >= MOST_ERRORS) return '';
    told.add(next);
    const others = next instanceof AggregateError ? (next.errors as unknown[]) : [];
    return [
      opening + (next.stack ?? String(next)),
      ...others.map((other) => tell(other, '\none of them: ')),
      tell(next.cause, '\ncaused by '),
    ].join('');
  };
  return tell(error, '');
}
