import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

type Answer = { id: number } & ({ value: unknown } | { error: string });

const running = new Set<ChildProcess>();
// A test that is interrupted leaves nobody behind, not even who is paused.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * A process of a test, which does what it is asked for, and may be killed or paused in the middle of it. Its program calls
 * {@link actAs}.
 */
export class Actor<TRequest> {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  readonly #ended: Promise<unknown>;
  #lastId = 0;
  #isRunning = true;

  private constructor(program: string, setup: unknown) {
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, JSON.stringify(setup)],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
    running.add(this.#child);
    this.#ended = once(this.#child, 'exit').then(() => {
      this.#isRunning = false;
      running.delete(this.#child);
      for (const { reject } of this.#asked.values()) reject(new Error('the process ended'));
    });
    this.#child.on('message', (answer: Answer) => {
      const asked = this.#asked.get(answer.id);
      this.#asked.delete(answer.id);
      if ('value' in answer) asked?.resolve(answer.value as never);
      else asked?.reject(new Error(answer.error));
    });
    // What was sent to who is dead by now.
    this.#child.on('error', () => undefined);
  }

  /** Resolves when it can be asked. */
  static async start<TRequest>(program: string, setup: unknown): Promise<Actor<TRequest>> {
    const actor = new Actor<TRequest>(program, setup);
    await actor.#send(undefined);
    return actor;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** @throws Error with what went wrong there, or that it ended. */
  ask<T>(request: TRequest): Promise<T> {
    const asked = this.#send<T>(request);
    // Whoever asked may look later.
    asked.catch(() => undefined);
    return asked;
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** With SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #send<T>(request: TRequest | undefined): Promise<T> {
    const id = ++this.#lastId;
    return new Promise<T>((resolve, reject) => {
      if (!this.#child.connected) return reject(new Error('the process ended'));
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, request }, (error) => void (error && reject(error)));
    });
  }
}

/**
 * The program of an {@link Actor}: several requests may be under way at once.
 *
 * @param open - Gets what the test gave it, and resolves to what does each request.
 */
export async function actAs<TSetup, TRequest>(
  open: (setup: TSetup) => Promise<(request: TRequest) => Promise<unknown>>,
): Promise<void> {
  process.on('disconnect', () => process.exit());
  const act = open(JSON.parse(process.argv[2] ?? '{}') as TSetup);
  process.on('message', ({ id, request }: { id: number; request?: TRequest }) => {
    void act
      .then((perform) => (request === undefined ? undefined : perform(request)))
      .then(
        (value) => process.send?.({ id, value: value ?? null }),
        (error: unknown) => process.send?.({ id, error: String(error) }),
      );
  });
  await act;
}
