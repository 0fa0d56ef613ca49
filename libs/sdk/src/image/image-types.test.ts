import { describe, expectTypeOf, it } from 'vitest';

import type { App, FilePatternMatcher, Image, Secret } from '../index.ts';

// What must compile, and what must not, is checked by the compiler; nothing here runs.
type Uses = (images: typeof Image, matchers: typeof FilePatternMatcher, secret: Secret, app: App) => unknown;

describe('an image', () => {
  it('takes words, lists and then options', () => {
    const uses: Uses = (images, _matchers, secret) => {
      const image = images.debianSlim({ nodeVersion: '22' });
      expectTypeOf(image.aptInstall('a', ['b', 'c'], { gpu: 'any' })).toEqualTypeOf<Image>();
      expectTypeOf(image.npmInstall(['a'], 'b', { registry: 'x', secrets: [secret] })).toEqualTypeOf<Image>();
      expectTypeOf(
        image.runCommands('a').env({ A: '1' }).workdir('/w').entrypoint([]),
      ).toEqualTypeOf<Image>();
      image
        .npmCi()
        .pnpmInstall({ packageJson: 'app/package.json' })
        .pipInstall('a', { pre: true })
        .dockerfileCommands('RUN a', { contextFiles: { a: 'b' } });
      const download = async (name: string, retries = 1) => `${name} ${retries}`;
      image.runFunction(download, { args: ['a'] }).addLocalSource('@acme/lib', { copy: true });
      // @ts-expect-error an argument of the wrong type
      image.runFunction(download, { args: [1] });
      // @ts-expect-error an option that does not exist
      image.aptInstall('a', { registry: 'x' });
      // @ts-expect-error the options come last
      image.npmInstall({ registry: 'x' }, 'a');
      expectTypeOf(images.fromId('im-4xKz01mW2hV7QpLr9TnYbC').runCommands('a')).toEqualTypeOf<Image>();
      // @ts-expect-error an id is a text
      images.fromId(1);
      // @ts-expect-error a number is no package
      image.npmInstall(1);
      // @ts-expect-error values of variables are text
      image.env({ A: 1 });
      // @ts-expect-error images are made by their static methods
      new images({ steps: [], files: [] });
      // @ts-expect-error a private registry asks who pulls
      images.fromAwsEcr('a', {});
      return images.fromGcpArtifactRegistry('a', { secret });
    };
    expectTypeOf(uses).toBeFunction();
  });

  it('says in three ways which files to leave out', () => {
    const uses: Uses = (images, matchers) => {
      const image = images.debianSlim();
      image.addLocalDir('a', '/a', { ignore: ['*.md'] });
      image.addLocalDir('a', '/a', { ignore: new matchers('*.md').negate(), copy: true });
      image.addLocalDir('a', '/a', { ignore: (path) => path.endsWith('.md') });
      // @ts-expect-error a single file has nothing to leave out
      image.addLocalFile('a', '/a', { ignore: ['*.md'] });
      return matchers.fromFile('.dockerignore').matches('a');
    };
    expectTypeOf(uses).toBeFunction();
  });

  it('is an option of apps, functions and classes, and gives modules their types', () => {
    const uses: Uses = (images, _matchers, _secret, app) => {
      const image = images.debianSlim();
      app.function({ image }, () => 1);
      app.cls({ image });
      // @ts-expect-error a name is no image
      app.function({ image: 'debian' }, () => 1);
      expectTypeOf(app.image).toEqualTypeOf<Image>();
      return image.imports(() => import('node:path')).then(({ join }) => join('a', 'b').length);
    };
    expectTypeOf(uses).toBeFunction();
  });
});
