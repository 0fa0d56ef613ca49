import { expect, test } from 'vitest';

import { checkSize, Greeter, multiply, square, TooLargeError, whereAmI } from './app.ts';

test('functions run in this process without any platform', async () => {
  expect(await square.local(7)).toBe(49);
  expect(await multiply.local(6, 7)).toBe(42);
  expect(await whereAmI.local()).toBe('on this machine');
});

test('errors are ordinary errors', async () => {
  await expect(async () => checkSize.local(4)).rejects.toThrow(TooLargeError);
});

test('a class is an ordinary class', async () => {
  const greeter = new Greeter();
  greeter.start();

  expect(await greeter.greet('Ada')).toBe('Hello, Ada!');
  expect(await greeter.hello()).toMatchObject({ message: 'Hello, world!', greeted: 2 });
});
