import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { type ImageState, type LayerWork, planImage } from '@gantry/images';
import type { BuildStep } from '@gantry/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BUILD_CACHE, noBuildsReason } from './image-builder.fixture.ts';
import { StepBench } from './step-bench.fixture.ts';

const MINUTES = 60_000;
const USER = 'octocat';
const TOKEN = 'gh-token-2718281';
const ENCODED = Buffer.from(`${USER}:${TOKEN}`).toString('base64');
const EXPECTED = `Basic ${ENCODED}`;

/** Serves folders as git's plain protocol over TLS, to whoever knows the token, as github.com, on this machine alone. */
const SERVER = `
import hashlib, http.server, os, ssl
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        shown = self.headers.get("authorization", "")
        if hashlib.sha256(shown.encode()).hexdigest() != "${createHash('sha256').update(EXPECTED).digest('hex')}":
            self.send_response(401)
            self.send_header("www-authenticate", 'Basic realm="GitHub"')
            self.send_header("content-length", "0")
            self.end_headers()
        else: super().do_GET()
    def log_message(self, *args): pass
os.chdir("/repositories")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("/server/cert.pem", "/server/key.pem")
server.socket = tls.wrap_socket(server.socket, server_side=True)
if os.fork() == 0:
    os.setsid()
    for fd in (0, 1, 2): os.dup2(os.open("/dev/null", os.O_RDWR), fd)
    server.serve_forever()
`;

/** A package in a folder of a repository, of which the tag v1 says another version than what is newest. */
const MAKE_REPOSITORY = `set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
git init -q -b main /draft && mkdir -p /draft/py && cd /draft
printf '[project]\\nname = "acme-tools"\\nversion = "1.0"\\n[build-system]\\nrequires = []\\nbuild-backend = "backend"\\nbackend-path = ["."]\\n' > py/pyproject.toml
cp /server/backend.py py/backend.py
git add . && git commit -qm one && git tag v1
sed -i s/1.0/2.0/ py/pyproject.toml && git commit -qam two
git clone -q --bare /draft /repositories/acme/tools && cd /repositories/acme/tools && git update-server-info && rm -rf /draft`;

/** Builds a wheel without any package of an index. */
const BACKEND = `
import os, re, zipfile
def build_wheel(folder, config=None, metadata=None):
    version = re.search('version = "(.*)"', open("pyproject.toml").read())[1]
    name = f"acme_tools-{version}-py3-none-any.whl"
    info = f"acme_tools-{version}.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("acme_tools.py", f"VERSION = '{version}'\\n")
        wheel.writestr(info + "/METADATA", f"Metadata-Version: 2.1\\nName: acme-tools\\nVersion: {version}\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
`;

describe.skipIf(noBuildsReason !== undefined)(
  `packages of private repositories${noBuildsReason ? ` (${noBuildsReason})` : ''}`,
  () => {
    let bench: StepBench;
    let below: ImageState;

    beforeAll(async () => {
      bench = await StepBench.open();
      const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', '-', '-subj', '/CN=github.com', '-days', '30'];
      const names = ['-addext', 'subjectAltName=DNS:github.com'];
      const pem = execFileSync('openssl', ['req', '-x509', ...key, ...names], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const files = {
        'server.py': SERVER,
        'backend.py': BACKEND,
        'cert.pem': pem.toString(),
        'key.pem': pem.toString(),
      };
      const packages = ['python3', 'python3-pip', 'git'];
      below = await bench.image(
        { type: 'apt', packages },
        { type: 'files', archive: await bench.archive(files), remotePath: '/server' },
        {
          type: 'run',
          commands: [MAKE_REPOSITORY, 'git config --system credential.helper "store --file=/kept"'],
        },
        { type: 'env', variables: { GIT_SSL_CAINFO: '/server/cert.pem', GIT_CURL_VERBOSE: '1' } },
      );
    }, 5 * MINUTES);
    afterAll(() => bench[Symbol.asyncDispose]());

    function install(repository: string, token = TOKEN) {
      const step: BuildStep = {
        ...{ type: 'pip', packages: [], extraOptions: '-v' },
        privateRepositories: { gitUser: USER, repositories: [repository] },
      };
      const { steps } = planImage({ steps: [{ type: 'image', id: 'below' }, step] }, { nodeVersion: '24' });
      const [, planned] = steps;
      if (planned?.kind !== 'layer' || planned.work.type !== 'run') throw new Error('nothing was planned');
      const hosts = 'echo 127.0.0.1 github.com > /etc/hosts && python3 /server/server.py';
      const work: LayerWork = { type: 'run', commands: [hosts, ...planned.work.commands] };
      return bench.heard(work, { below, secrets: { GITHUB_TOKEN: token } });
    }

    const version = 'python3 -c "import acme_tools; print(acme_tools.VERSION)"';

    it(
      'are installed with the token, which is left nowhere: no layer, file, setting, line or order',
      async () => {
        const { state, lines } = await install('github.com/acme/tools#subdirectory=py');
        expect(await bench.output(state, version)).toEqual(['2.0']);
        const root = await bench.unpackTop(state);
        for (const trace of [TOKEN, ENCODED]) {
          expect(await bench.filesWith(trace, root)).toBe('');
          expect(await bench.filesWith(trace, join(BUILD_CACHE, 'builder'))).toBe('');
          expect(JSON.stringify(state)).not.toContain(trace);
          expect(lines.join('\n')).not.toContain(trace);
        }
        // pip says which orders it gives: the one that would show a token in an address.
        expect(lines.join('\n')).toContain('git clone');
        expect(await bench.output(state, 'ls /kept 2> /dev/null || echo none')).toEqual(['none']);
      },
      3 * MINUTES,
    );

    it(
      'are those of a branch, tag or commit where one is named',
      async () => {
        const { state } = await install('github.com/acme/tools@v1#subdirectory=py');
        expect(await bench.output(state, version)).toEqual(['1.0']);
      },
      2 * MINUTES,
    );

    it(
      'are refused with a token that is wrong, without a question that nobody answers',
      async () => {
        const wrong = install('github.com/acme/tools#subdirectory=py', 'wrong-token');
        await expect(wrong).rejects.toMatchObject({
          details: {
            lastLines: expect.arrayContaining([expect.stringContaining('Authentication failed')]) as string[],
          },
        });
      },
      2 * MINUTES,
    );
  },
);
