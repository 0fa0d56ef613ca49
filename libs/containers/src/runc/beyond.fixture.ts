import { execFileSync, spawn } from 'node:child_process';

import { isRootless } from '../rootless/user-namespace.ts';

/** Where the network of root is that an ordinary user, who can make none, is to reach. */
export const BEYOND_VARIABLE = 'GANTRY_TEST_BEYOND';

/** A network behind the machine, with something that listens on port 4000 of it. */
export class Beyond implements AsyncDisposable {
  readonly address: string;
  readonly #name: string | undefined;
  readonly #stop: () => void;

  private constructor(address: string, name: string | undefined, stop: () => void) {
    this.address = address;
    this.#name = name;
    this.#stop = stop;
  }

  /** @param number - Of the network, of which there is one at a time. */
  static async open(number = 100): Promise<Beyond> {
    const given = process.env[BEYOND_VARIABLE];
    if (isRootless() && given !== undefined) return new Beyond(given, undefined, () => undefined);
    const name = `gantry-beyond${number}`;
    const [outer, address] = [`198.51.${number}.1`, `198.51.${number}.2`];
    for (const command of [
      `netns add ${name}`,
      `link add gbeyond${number} type veth peer name eth0 netns ${name}`,
      `addr add ${outer}/24 dev gbeyond${number}`,
      `link set gbeyond${number} up`,
      `-n ${name} addr add ${address}/24 dev eth0`,
      `-n ${name} link set eth0 up`,
      `-n ${name} route add default via ${outer}`,
    ]) {
      execFileSync('ip', command.split(' '));
    }
    const script = `require('node:net').createServer((s) => s.end('beyond')).listen(4000, () => console.log('up'))`;
    const child = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return new Beyond(address, name, () => child.kill('SIGKILL'));
  }

  /** Whether something out there hears "inside" at an address: other networks may answer there, too. */
  hearsInside(host: string, port: number): boolean {
    const script = `const s = require('node:net').connect(${port}, '${host}'); s.on('data', (data) => process.exit(String(data) === 'inside' ? 0 : 1)); s.on('error', () => process.exit(1)); setTimeout(() => process.exit(2), 700)`;
    const where = this.#name === undefined ? [] : ['ip', 'netns', 'exec', this.#name];
    const [program = '', ...words] = [...where, process.execPath, '-e', script];
    try {
      execFileSync(program, words);
      return true;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    if (this.#name !== undefined) execFileSync('ip', ['netns', 'delete', this.#name]);
  }
}
