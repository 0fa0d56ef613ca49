import { type FunctionRecord, type ImageSpec, registryKeys } from '@gantry/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { digestOf, fn, manifest } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

const bytes = new TextEncoder().encode('an archive');
const archive = { path: 'files-0.tar.gz', digest: digestOf(bytes), sizeBytes: bytes.length };
const ENV = { type: 'env', variables: { A: '1', B: '1' } } as const;

function image(steps: ImageSpec['steps'], rest: Partial<ImageSpec> = {}): ImageSpec {
  const sites = [...steps, ...(rest.files ?? [])].map((_, at) => ({ file: 'src/shop.ts', line: at + 1 }));
  return { steps, sites, ...rest };
}

describe('images on workers whose containers are plain processes', () => {
  it('give them variables, files and packages', async () => {
    await platform.client.request('PUT', `/v1/blobs/${archive.digest}`, bytes);
    const packages = { ...archive, contents: [{ name: 'left-pad', version: '1.3.0' }] };
    const files = [{ archive, remotePath: 'data' }];
    const images = [
      image(
        [
          { type: 'debian' },
          ENV,
          { type: 'files', archive, remotePath: '.' },
          { ...ENV, variables: { B: '2' } },
        ],
        {
          packages,
          files,
        },
      ),
    ];

    const { functions } = await platform.deployFresh([fn('with', { image: 0 }), fn('without')], {
      manifest: manifest([fn('with', { image: 0 }), fn('without')], { appName: 'images', images }),
    });

    const records = await Promise.all(
      functions.map(({ id }) => platform.messaging.registry.get<FunctionRecord>(registryKeys.function(id))),
    );
    expect(records[0]?.value).toMatchObject({
      packages: { digest: archive.digest },
      image: {
        env: { A: '1', B: '2' },
        files: [
          { digest: archive.digest, remotePath: '.' },
          { digest: archive.digest, remotePath: 'data' },
        ],
      },
    });
    expect(records[1]?.value.image).toBeUndefined();
    expect(records[1]?.value.packages).toBeUndefined();
  });

  it('are refused with all that these cannot have, by place, before anything is changed', async () => {
    const images = [
      image([{ type: 'debian', nodeVersion: '24' }, { type: 'apt', packages: ['curl'] }, ENV]),
      image([{ type: 'registry', reference: 'node:22' }], { files: [{ archive, remotePath: '/data' }] }),
    ];
    const request = { manifest: manifest([fn('f', { image: 0 })], { appName: 'refused', images }) };

    const { status, json } = await platform.client.deploy(request);

    expect(status).toBe(400);
    expect(json['message']).toBe(
      'the containers of this platform are plain processes, which cannot have:\n' +
        '  src/shop.ts:2: Image.aptInstall\n' +
        '  src/shop.ts:1: Image.fromRegistry\n' +
        '  src/shop.ts:2: a file in "/data"',
    );
    expect(json['hint']).toContain('gantry up --driver runc');
    expect((await platform.client.request('GET', '/v1/apps/refused')).status).toBe(404);
  });

  it('are told apart in the greeting of the server', async () => {
    const { json } = await platform.client.request('GET', '/v1/hello');

    expect(json['drivers']).toEqual([{ name: 'process', images: false, nodeVersion: '24.1.0' }]);
  });

  it('need the archives that they name', async () => {
    const missing = { ...archive, digest: digestOf(new TextEncoder().encode('not there')) };
    const images = [image([{ type: 'debian' }], { files: [{ archive: missing, remotePath: '.' }] })];

    const { status, text } = await platform.client.deploy({
      manifest: manifest([fn('f', { image: 0 })], { appName: 'missing', images }),
    });

    expect(status).toBe(404);
    expect(text).toContain(missing.digest);
  });
});

describe('volumes of functions', () => {
  const mounted = (changes: object = {}) =>
    fn('f', { volumes: [{ path: 'data', name: 'data', ...changes }] });
  const deploy = (appName: string, changes?: object) =>
    platform.client.deploy({ manifest: manifest([mounted(changes)], { appName }) });

  it('are found or made by name, and kept by id', async () => {
    const missing = await deploy('without');
    expect(missing.status).toBe(404);
    expect(missing.text).toContain('\\"f\\" has a volume at \\"data\\": there is no volume \\"data\\"');
    const { functions } = await platform.deployFresh([mounted({ createIfMissing: true })]);
    const { json } = await platform.client.request('GET', '/v1/volumes/data');
    const record = await platform.messaging.registry.get<FunctionRecord>(
      registryKeys.function(functions[0]?.id ?? ''),
    );
    expect(record?.value.volumes).toEqual([
      { path: 'data', name: 'data', createIfMissing: true, environment: 'main', volumeId: json['id'] },
    ]);
  });

  it('are refused at paths of the machine where containers are plain processes', async () => {
    const { status, json } = await deploy('absolute', { path: '/data', createIfMissing: true });
    expect(status).toBe(400);
    expect(json['message']).toContain('shop.ts:1: a volume at "/data"');
    expect(json['hint']).toContain('a path without a slash in front');
  });

  it('are refused at paths that no manifest of a build has', async () => {
    const { status, text } = await deploy('wrong', { path: '/usr/../etc' });
    expect([status, text]).toEqual([
      400,
      expect.stringContaining('must be a list of volumes and their paths'),
    ]);
  });
});
