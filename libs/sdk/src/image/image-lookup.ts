import {
  ExecutionError,
  type FunctionLookup,
  type ImageSummary,
  InvalidError,
  isGantryError,
} from '@gantry/protocol';

import type { Client } from '../client.ts';
import { defaultPlatform } from '../default-platform.ts';

/** A function or class whose containers have an image. */
export interface ImageUser {
  readonly name: string;
  /** Asks the platform, and nothing that was known before. */
  look(client: Client | undefined): Promise<FunctionLookup>;
}

const users = new WeakMap<object, ImageUser[]>();

/** Keeps who has an image, which is how its id is found. */
export function keepImageUser(image: object, user: ImageUser): void {
  const known = users.get(image);
  if (known) known.push(user);
  else users.set(image, [user]);
}

/**
 * Asks for the id that an image has: its own, where it is one that was built before, else that of a function that has it.
 *
 * @throws {@link InvalidError} for an image of no function; {@link ExecutionError} where none that has it is deployed.
 */
export async function lookUpImage(
  image: object,
  { id, client }: { id: string | undefined; client: Client | undefined },
): Promise<string> {
  if (id !== undefined) {
    const { objects } = client?.platform ?? defaultPlatform();
    return (await objects.json<ImageSummary>(`/v1/images/${encodeURIComponent(id)}`)).id;
  }
  const all = users.get(image) ?? [];
  for (const user of all.filter(({ name }) => name !== '')) {
    const found = await user.look(client).catch(unlessMissing);
    if (found?.imageId !== undefined) return found.imageId;
    if (found) throw withoutImages(user.name);
  }
  throw all.length === 0 ? ofNoFunction() : notDeployed(all);
}

function unlessMissing(error: unknown): undefined {
  if (!isGantryError(error, 'NOT_FOUND')) throw error;
}

function withoutImages(name: string): ExecutionError {
  return new ExecutionError(`the containers of "${name}" have no built image, so the image has no id`, {
    hint: 'Images are built where containers have a file system of their own: "gantry doctor" says what is missing.',
  });
}

function ofNoFunction(): InvalidError {
  return new InvalidError('no function of this program has the image, so nothing has built it', {
    hint: 'Give it to a function, a class or an app, or take one that was built: Image.fromId.',
  });
}

function notDeployed(all: readonly ImageUser[]): ExecutionError {
  // A program that was not built knows the names of its functions when it has deployed or run them.
  const names = [...new Set(all.map(({ name }) => (name === '' ? 'its function' : `"${name}"`)))].join(', ');
  return new ExecutionError(`the image was not built yet: ${names} is not deployed`, {
    hint: 'Deploy the app, or have it up with app.run(), first.',
  });
}
