/** One thing wrong with a request, in the shape FastAPI made common: clients may already know how to show it. */
export interface FieldProblem {
  /** Where: `['query', 'n']`, `['body', 'items', 0, 'price']`. */
  loc: (string | number)[];
  /** What is wrong, for people. */
  msg: string;
  /** What is wrong, for programs. */
  type: string;
}

/** The problem of a value that is required and absent. */
export function missing(...loc: (string | number)[]): FieldProblem {
  return { loc, msg: 'Field required', type: 'missing' };
}
