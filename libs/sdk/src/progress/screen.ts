/** Another process that prints to this terminal, such as the `gantry run` that started this one. */
export interface ScreenOwner {
  /** Resolves when only this process prints, until {@link giveBack}. */
  lend(): Promise<void>;
  giveBack(): void;
}

const OWNER = Symbol.for('gantry.screenOwner');
const TAKERS = Symbol.for('gantry.screenTakers');

// On globalThis: a program and its bundle may carry separate copies of this module.
const globals = globalThis as { [OWNER]?: ScreenOwner; [TAKERS]?: Set<object> };

/** Shows the progress of maps in this process, in agreement with the owner. */
export function setScreenOwner(owner: ScreenOwner): void {
  globals[OWNER] = owner;
}

export function screenOwner(): ScreenOwner | undefined {
  return globals[OWNER];
}

/** Leaves the screen to somebody else, such as code that asks questions there, until the returned function is called. */
export function yieldScreen(): () => void {
  const taker = {};
  const takers = (globals[TAKERS] ??= new Set());
  takers.add(taker);
  return () => void takers.delete(taker);
}

export function isScreenTaken(): boolean {
  return (globals[TAKERS]?.size ?? 0) > 0;
}
