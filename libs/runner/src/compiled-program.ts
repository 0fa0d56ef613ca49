import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script, type ScriptOptions } from 'node:vm';

/** What Node gives to a CommonJS module. */
type ModuleFunction = (
  ...given: [exports: unknown, require: NodeJS.Require, module: NodeJS.Module, path: string, folder: string]
) => void;

/**
 * A program that is loaded with all its functions compiled, from a file that an earlier process has left. Node's own
 * compile cache has none of the functions that are compiled when they are first called: most of what a start compiles.
 */
export class CompiledProgram {
  readonly #path: string;
  readonly #kept: string | undefined;
  readonly #text: string;
  #isKept = false;

  /**
   * @param path - Of a CommonJS module in ASCII without `import()`, which has to be given to it. Its name is another one where its text is another one: V8 itself compares
   *   no more than how long that is.
   * @param folder - Where compiled code is kept; none, and it is not.
   */
  constructor(path: string, folder: string | undefined) {
    this.#path = path;
    this.#text = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(path, 'latin1')}\n})`;
    // Another Node takes none of it: each has its own.
    this.#kept = folder ? join(folder, `${basename(path)}-${process.version}-${process.arch}`) : undefined;
  }

  /** Runs the module, as `require` does, and returns what it exports. */
  load(): unknown {
    const cachedData = this.#readKept();
    const script = this.#compile(this.#path, { cachedData });
    this.#isKept = cachedData !== undefined && script.cachedDataRejected === false;
    const require = createRequire(this.#path);
    const module = new Module(this.#path);
    module.filename = this.#path;
    // Later parts of the program require it by its path.
    require.cache[this.#path] = module;
    const run = script.runInThisContext() as ModuleFunction;
    run(module.exports, require, module, this.#path, dirname(this.#path));
    module.loaded = true;
    return module.exports;
  }

  /** Compiles all functions for later processes, if that has not been done. Where it fails, they compile them themselves. */
  keep(): void {
    if (this.#isKept || this.#kept === undefined) return;
    this.#isKept = true;
    const draft = `${this.#kept}.${process.pid}`;
    try {
      const compiled = this.#compileAll();
      mkdirSync(dirname(draft), { recursive: true });
      writeFileSync(draft, compiled, { flush: true });
      renameSync(draft, this.#kept);
    } catch {
      // A disk that is full, for one.
    }
  }

  #compileAll(): Buffer {
    const { setFlagsFromString } = process.getBuiltinModule('node:v8');
    setFlagsFromString('--no-lazy');
    // By its own name V8 would find what it has compiled already.
    const script = this.#compile(`${this.#path}?all`);
    // V8 takes only what was made with the flags that it has.
    setFlagsFromString('--lazy');
    return script.createCachedData();
  }

  #readKept(): Buffer | undefined {
    if (this.#kept === undefined) return undefined;
    try {
      return readFileSync(this.#kept);
    } catch {
      // Nobody has left it yet.
      return undefined;
    }
  }

  #compile(filename: string, options: ScriptOptions = {}): Script {
    return new Script(this.#text, { filename, ...options });
  }
}
