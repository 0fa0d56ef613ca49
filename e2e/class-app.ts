import 'reflect-metadata';

import { appendFileSync } from 'node:fs';

import { App, enter, exit, method, parameter } from 'gantry';
import { container, injectable, singleton } from 'tsyringe';

export const app = new App('classes', { construct: (type) => container.resolve(type) });

@singleton()
class Visitors {
  count = 0;
}

@injectable()
class Greeting {
  readonly #visitors: Visitors;

  constructor(visitors: Visitors) {
    this.#visitors = visitors;
  }

  to(name: string): string {
    return `Hello ${name}, number ${++this.#visitors.count}`;
  }
}

/** What every class of this app has, too. */
class Traced {
  /** A file that hooks write into. */
  @parameter() trace: string = '';

  protected note(text: string): void {
    if (this.trace !== '') appendFileSync(this.trace, `${text}\n`);
  }

  @enter() async openBase(): Promise<void> {
    await Promise.resolve();
    this.note('openBase');
  }

  @enter({ snap: true }) warmBase(): void {
    this.note('warmBase');
  }

  @exit() closeBase(): void {
    this.note('closeBase');
  }
}

@injectable()
@app.cls({ enableMemorySnapshot: true, scaledownWindowMs: 2_000, maxContainers: 1 })
export class Desk extends Traced {
  @parameter() size: 'small' | 'large' = 'small';
  @parameter() floor: number = 1;
  @parameter() isOpen: boolean = false;
  @parameter() key?: Uint8Array;

  readonly #greeting: Greeting;
  readonly #visitors: Visitors;

  constructor(greeting: Greeting, visitors: Visitors) {
    super();
    this.#greeting = greeting;
    this.#visitors = visitors;
  }

  @enter() open(): void {
    this.note('open');
  }

  @enter({ snap: true }) warm(): void {
    this.note('warm');
  }

  @method() async greet(name: string): Promise<string> {
    this.note('greet');
    const text = this.#greeting.to(name);
    return `${text} of ${this.#visitors.count}`;
  }

  @method() async describe(): Promise<unknown> {
    const { size, floor, isOpen, key } = this;
    return { size, floor, isOpen, key, container: process.env['GANTRY_CONTAINER_ID'] };
  }

  @exit() async close(): Promise<void> {
    await Promise.resolve();
    this.note('close');
    throw new Error('the door is stuck');
  }

  @exit() lock(): void {
    this.note('lock');
  }
}
