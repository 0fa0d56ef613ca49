import { ExecutionError, InvalidError, NotFoundError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { App } from '../app.ts';
import type { Client } from '../client.ts';
import { FakeHost } from '../fake-host.fixture.ts';
import { method } from '../member-decorators.ts';
import { registeredApps } from '../registry.ts';
import { Image } from './image.ts';

const [FIRST, SECOND] = [`im-${'a'.repeat(22)}`, `im-${'b'.repeat(22)}`];

/** A client whose platform keeps these images. */
function clientWith(...ids: string[]): Client {
  const json = async (path: string) => {
    const id = path.slice('/v1/images/'.length);
    if (!ids.includes(id)) throw new NotFoundError(`the image "${id}" does not exist`);
    return { id, builtAtMs: 1 };
  };
  return { platform: { closed: false, environment: 'main', objects: { json } } } as unknown as Client;
}

describe('an image that was built before', () => {
  it('has its id when the platform was asked for it, and not before', async () => {
    const image = Image.fromId(FIRST);
    expect(() => image.objectId).toThrow(ExecutionError);
    expect(await image.hydrate(clientWith(FIRST))).toBe(image);
    expect(image.objectId).toBe(FIRST);
    await expect(Image.fromId(SECOND).hydrate(clientWith(FIRST))).rejects.toThrow(NotFoundError);
  });

  it('has it also with files that only containers get, and is another one with a step', async () => {
    const files = Image.fromId(FIRST).addLocalFile('a', '/a');
    expect((await files.hydrate(clientWith(FIRST))).objectId).toBe(FIRST);
    await expect(Image.fromId(FIRST).env({ A: '1' }).hydrate(clientWith(FIRST))).rejects.toThrow(
      InvalidError,
    );
  });
});

describe('an image of functions', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost().install();
  });
  afterEach(() => {
    host.uninstall();
    registeredApps().length = 0;
  });

  it('has the id that the newest deploy of one of them was given', async () => {
    const image = Image.debianSlim();
    const app = new App('shop', { image });
    app.function({ name: 'other', image: Image.debianSlim() }, () => 1);
    app.function({ name: 'f' }, () => 1);
    host.add('shop', { name: 'other', imageId: SECOND }, () => 1);

    await expect(image.hydrate()).rejects.toThrow('the image was not built yet: "f" is not deployed');
    const unnamed = Image.debianSlim();
    app.function({ image: unnamed }, () => 1);
    await expect(unnamed.hydrate()).rejects.toThrow('its function is not deployed');
    host.add('shop', { name: 'f', imageId: FIRST }, () => 1);
    expect((await image.hydrate()).objectId).toBe(FIRST);
    host.add('shop', { name: 'f', imageId: SECOND }, () => 1);
    expect((await image.hydrate()).objectId).toBe(SECOND);
  });

  it('may be that of a class, or of an app that another one includes', async () => {
    const [shop, part] = [new App('shop'), new App('part')];
    const image = Image.debianSlim();
    @part.cls({ image })
    class Reader {
      @method() read() {
        return 'read';
      }
    }
    shop.include(part);
    host.add('shop', { name: Reader.name, kind: 'class', imageId: FIRST }, () => 1);

    expect((await image.hydrate()).objectId).toBe(FIRST);
  });

  it('has none where containers have no images, or where no function has it', async () => {
    const image = Image.debianSlim();
    new App('shop').function({ name: 'f', image }, () => 1);
    host.add('shop', { name: 'f' }, () => 1);

    await expect(image.hydrate()).rejects.toThrow('the containers of "f" have no built image');
    await expect(Image.debianSlim().hydrate()).rejects.toThrow('no function of this program has the image');
  });
});
