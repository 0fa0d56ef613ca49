import {
  App,
  currentInputId,
  enter,
  exit,
  fastapiEndpoint,
  FunctionCall,
  isLocal,
  method,
  parameter,
  registerErrorClass,
} from 'gantry';

export const app = new App('hello-world');

/** A function is any async function, wrapped. Its name in the app is the name of the constant. */
export const square = app.function(async (x: number): Promise<number> => {
  if (x % 50 === 0) {
    console.log(`square(${x}) runs in input ${currentInputId() ?? '(none)'}`);
    console.error(`square(${x}) says so on standard error too`);
  }
  return x * x;
});

export const multiply = app.function(
  { name: 'multiply' },
  async (x: number, y: number, options: { plus?: number } = {}): Promise<number> =>
    x * y + (options.plus ?? 0),
);

/** True in the caller's process, false in a container. */
export const whereAmI = app.function(async (): Promise<string> =>
  isLocal() ? 'on this machine' : 'in a container',
);

export class TooLargeError extends Error {
  readonly limit: number;

  constructor(value: number, limit: number) {
    super(`${value} is larger than ${limit}`);
    this.name = 'TooLargeError';
    this.limit = limit;
  }
}
// Known by name on both sides, it arrives as itself.
registerErrorClass('TooLargeError', TooLargeError);

/** Throws for some inputs: the caller gets the same error class, with the stack of the container. */
export const checkSize = app.function(async (value: number): Promise<number> => {
  if (value > 3) throw new TooLargeError(value, 3);
  return value;
});

/** A generator streams: each value reaches the caller as soon as it is yielded. */
export const countdown = app.function(async function* (from: number): AsyncGenerator<string> {
  for (let n = from; n > 0; n--) yield `${n}…`;
  yield 'go';
});

/** A class keeps state between calls: each set of parameters has containers of its own. */
@app.cls()
export class Greeter {
  /** The word to greet with. */
  @parameter() greeting: string = 'Hello';

  private startedAt = new Date(0);
  private greeted = 0;

  @enter()
  start(): void {
    this.startedAt = new Date();
    console.log(`Greeter("${this.greeting}") starts`);
  }

  @method()
  async greet(name: string): Promise<string> {
    this.greeted += 1;
    return `${this.greeting}, ${name}!`;
  }

  /** GET https://…?name=Ada */
  @fastapiEndpoint({ docs: true })
  async hello(name: string = 'world'): Promise<{ message: string; greeted: number; upSinceMs: number }> {
    const message = await this.greet(name);
    return { message, greeted: this.greeted, upSinceMs: Date.now() - this.startedAt.getTime() };
  }

  @exit()
  stop(): void {
    console.log(`Greeter("${this.greeting}") greeted ${this.greeted} times and stops`);
  }
}

/**
 * Shows every way to call a function: gantry run src/app.ts::main --n 5 --no-loud
 */
export const main = app.localEntrypoint(
  async (
    n: number = 200,
    loud: boolean = true,
    factor: number = 1.5,
    tone: 'warm' | 'cool' = 'warm',
    name?: string,
  ) => {
    const say = (text: string) => console.log(loud ? text.toUpperCase() : text);

    say(`local: ${await square.local(4)}, remote: ${await square.remote(4)}`);
    say(`whereAmI: here ${await whereAmI.local()}, there ${await whereAmI.remote()}`);

    const squares = await collect(square.map(range(n)));
    const isOrdered = squares.every((value, x) => value === x * x);
    say(`sum of ${n} squares: ${squares.reduce((sum, value) => sum + value, 0)}, in order: ${isOrdered}`);

    const scaled = await collect(multiply.map(range(n), repeat(factor, n)));
    say(`zipped map, scaled by ${factor}: ${scaled.slice(0, 5).join(' ')}`);

    const shifted = await collect(multiply.map([1, 2, 3], [10, 20, 30], { kwargs: { plus: 0.5 } }));
    say(`zipped map, the same last argument for all: ${shifted.join(' ')}`);

    const products = await collect(
      multiply.starmap([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    );
    say(`starmap: ${products.join(' ')}`);

    await square.forEach(range(3));
    say('forEach: done');

    const call = await square.spawn(12);
    const again = FunctionCall.fromId<number>(call.id);
    say(
      `spawned: ${await call.get({ timeoutMs: 60_000 })}, by id: ${await again.get({ timeoutMs: 60_000 })}`,
    );

    const calls = await Promise.all([square.spawn(1), square.spawn(2), square.spawn(3)]);
    say(`gathered: ${(await FunctionCall.gather(...calls)).join(' ')}`);

    try {
      await checkSize.remote(9);
    } catch (error) {
      const isSame = error instanceof TooLargeError;
      say(
        `error: ${(error as Error).message}, the same class: ${isSame}, with stack: ${hasRemoteStack(error)}`,
      );
    }

    const mixed = await collect(checkSize.map([1, 5, 2], { returnExceptions: true }));
    say(`returned exceptions: ${mixed.map((each) => (each instanceof Error ? 'error' : each)).join(' ')}`);

    say(`countdown: ${(await collect(countdown.remoteGen(3))).join(' ')}`);

    say(`registered: ${Object.keys(app.registeredFunctions).join(' ')}`);
    say(`square, found by its name: ${await app.registeredFunctions['square']?.remote(6)}`);

    const greeter = app.instance(Greeter, { greeting: tone === 'warm' ? 'Welcome' : 'Good day' });
    say(await greeter.greet.remote(name ?? 'stranger'));
  },
);

function* range(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

function* repeat<T>(value: T, count: number): Generator<T> {
  for (let i = 0; i < count; i++) yield value;
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

function hasRemoteStack(error: unknown): boolean {
  return error instanceof Error && (error.stack ?? '').includes('app.ts');
}
