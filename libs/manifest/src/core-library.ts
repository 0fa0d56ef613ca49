/** Name of the file that {@link CORE_LIBRARY} pretends to be. */
export const CORE_LIBRARY_FILE = '/gantry-core-library.d.ts';

/**
 * The global types as far as the manifest tells them apart. Reading parameter types needs a handful of names;
 * parsing the compiler's own library would take most of the time of a build.
 */
export const CORE_LIBRARY = `
interface Object {}
interface Function { readonly name: string; readonly length: number; }
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface IArguments { readonly length: number; [index: number]: any; }
interface Boolean {}
interface Number { toFixed(digits?: number): string; toString(radix?: number): string; }
interface NumberConstructor { (value?: any): number; isInteger(value: unknown): boolean; parseInt(text: string, radix?: number): number; parseFloat(text: string): number; isNaN(value: unknown): boolean; isFinite(value: unknown): boolean; readonly MAX_SAFE_INTEGER: number; readonly EPSILON: number; }
declare var Number: NumberConstructor;
interface BooleanConstructor { <T>(value?: T): boolean; }
declare var Boolean: BooleanConstructor;
declare var BigInt: { (value: any): bigint; };
interface BigInt {}
interface Symbol {}
interface SymbolConstructor { readonly iterator: unique symbol; readonly asyncIterator: unique symbol; readonly dispose: unique symbol; readonly asyncDispose: unique symbol; }
declare var Symbol: SymbolConstructor;
interface String {
  readonly length: number; readonly [index: number]: string; [Symbol.iterator](): IterableIterator<string>;
  trim(): string; trimStart(): string; trimEnd(): string; toLowerCase(): string; toUpperCase(): string; toString(): string;
  charAt(at: number): string; charCodeAt(at: number): number; codePointAt(at: number): number | undefined; at(at: number): string | undefined;
  slice(from?: number, to?: number): string; substring(from: number, to?: number): string; padStart(length: number, fill?: string): string;
  padEnd(length: number, fill?: string): string; repeat(count: number): string; concat(...more: string[]): string; normalize(form?: string): string;
  replace(what: any, by: any): string; replaceAll(what: any, by: any): string; split(by: any, limit?: number): string[];
  includes(text: string): boolean; startsWith(text: string, at?: number): boolean; endsWith(text: string): boolean;
  indexOf(text: string, at?: number): number; lastIndexOf(text: string): number; search(what: any): number; localeCompare(other: string, ...more: any[]): number;
}
interface StringConstructor { (value?: any): string; fromCharCode(...codes: number[]): string; raw(...parts: any[]): string; }
declare var String: StringConstructor;
interface RegExp {}
interface TemplateStringsArray extends ReadonlyArray<string> { readonly raw: readonly string[]; }
interface List<T> {
  forEach(each: (value: T, index: number) => void): void; map<U>(each: (value: T, index: number, all: any) => U): U[];
  filter<S extends T>(keep: (value: T, index: number) => value is S): S[]; filter(keep: (value: T, index: number) => unknown): T[];
  reduce(join: (sum: T, value: T, index: number) => T): T; reduce<U>(join: (sum: U, value: T, index: number) => U, from: U): U;
  flatMap<U>(each: (value: T, index: number) => U | readonly U[]): U[]; slice(from?: number, to?: number): T[]; concat(...more: any[]): T[];
  find<S extends T>(is: (value: T, index: number) => value is S): S | undefined; find(is: (value: T, index: number) => unknown): T | undefined;
  findLast(is: (value: T, index: number) => unknown): T | undefined; findIndex(is: (value: T, index: number) => unknown): number;
  some(is: (value: T, index: number) => unknown): boolean; every(is: (value: T, index: number) => unknown): boolean; includes(value: T): boolean;
  indexOf(value: T): number; lastIndexOf(value: T): number; join(by?: string): string; at(at: number): T | undefined;
  toSorted(order?: (a: T, b: T) => number): T[]; toReversed(): T[]; toSpliced(from: number, count?: number, ...values: T[]): T[]; with(at: number, value: T): T[];
  keys(): IterableIterator<number>; values(): IterableIterator<T>; entries(): IterableIterator<[number, T]>; flat(depth?: number): T extends readonly (infer U)[] ? U[] : T[];
}
interface Array<T> extends List<T> {
  length: number; [index: number]: T; [Symbol.iterator](): IterableIterator<T>;
  push(...values: T[]): number; pop(): T | undefined; shift(): T | undefined; unshift(...values: T[]): number; splice(from: number, count?: number, ...values: T[]): T[];
  sort(order?: (a: T, b: T) => number): this; reverse(): this; fill(value: T, from?: number, to?: number): this;
}
interface ArrayConstructor {
  <T = any>(...values: T[]): T[]; new <T = any>(...values: T[]): T[]; of<T>(...values: T[]): T[]; isArray(value: any): value is any[];
  from<T>(values: Iterable<T> | { readonly length: number; readonly [index: number]: T }): T[]; from<U>(values: { readonly length: number }, each: (value: any, index: number) => U): U[];
  from<T, U>(values: Iterable<T>, each: (value: T, index: number) => U): U[]; fromAsync<T>(values: AsyncIterable<T> | Iterable<T | Promise<T>>): Promise<T[]>;
}
declare var Array: ArrayConstructor;
interface ReadonlyArray<T> extends List<T> {
  readonly length: number; readonly [index: number]: T; [Symbol.iterator](): IterableIterator<T>;
}
interface Iterator<T, R = any, N = any> { next(value?: N): { done?: boolean; value: T }; }
interface Iterable<T, R = any, N = any> { [Symbol.iterator](): Iterator<T>; }
interface IterableIterator<T, R = any, N = any> extends Iterator<T> { [Symbol.iterator](): IterableIterator<T>; }
interface Generator<T = unknown, R = any, N = any> extends Iterator<T> { [Symbol.iterator](): Generator<T, R, N>; }
interface AsyncIterator<T, R = any, N = any> { next(value?: N): Promise<{ done?: boolean; value: T }>; }
interface AsyncIterable<T, R = any, N = any> { [Symbol.asyncIterator](): AsyncIterator<T>; }
interface AsyncIterableIterator<T, R = any, N = any> extends AsyncIterator<T> { [Symbol.asyncIterator](): AsyncIterableIterator<T>; }
interface AsyncGenerator<T = unknown, R = any, N = any> extends AsyncIterator<T> { [Symbol.asyncIterator](): AsyncGenerator<T, R, N>; }
interface PromiseLike<T> { then(done: (value: T) => void): PromiseLike<unknown>; }
interface Promise<T> { then<R>(done: (value: T) => R): Promise<Awaited<R>>; catch(failed: (error: any) => any): Promise<T>; }
interface PromiseConstructor { new <T>(run: (done: (value: T) => void, failed: (error: any) => void) => void): Promise<T>; resolve<T>(value: T): Promise<Awaited<T>>; resolve(): Promise<void>; reject(error?: any): Promise<never>; race<T>(values: Iterable<T>): Promise<Awaited<T>>;
  all<T extends readonly unknown[] | []>(values: T): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }>; all<T>(values: Iterable<T>): Promise<Awaited<T>[]>; }
declare var Promise: PromiseConstructor;
interface Date { getTime(): number; valueOf(): number; toISOString(): string; toJSON(): string; getFullYear(): number; getMonth(): number; getDate(): number; getDay(): number; getHours(): number; getMinutes(): number; getSeconds(): number; getUTCFullYear(): number; getUTCMonth(): number; getUTCDate(): number; getUTCDay(): number; getUTCHours(): number; toLocaleString(...how: any[]): string; toLocaleDateString(...how: any[]): string; toDateString(): string; }
declare var Date: { new (value?: any): Date; now(): number; };
interface Error { name: string; message: string; stack?: string; }
declare var Error: { new (message?: string, options?: any): Error; (message?: string, options?: any): Error; };
interface Map<K, V> { readonly size: number; get(key: K): V | undefined; set(key: K, value: V): this; has(key: K): boolean; delete(key: K): boolean; keys(): IterableIterator<K>; values(): IterableIterator<V>; entries(): IterableIterator<[K, V]>; [Symbol.iterator](): IterableIterator<[K, V]>; }
declare var Map: { new (): Map<any, any>; new <K, V>(entries?: Iterable<readonly [K, V]> | null): Map<K, V>; groupBy<K, T>(values: Iterable<T>, keyOf: (value: T) => K): Map<K, T[]>; };
interface Set<T> { readonly size: number; has(value: T): boolean; add(value: T): this; delete(value: T): boolean; values(): IterableIterator<T>; [Symbol.iterator](): IterableIterator<T>; }
declare var Set: { new <T = any>(values?: Iterable<T> | null): Set<T>; };
interface ArrayBuffer { readonly byteLength: number; }
declare var ArrayBuffer: { new (length: number): ArrayBuffer; };
interface Uint8Array<B = ArrayBuffer> { readonly length: number; readonly byteLength: number; }
declare var Uint8Array: { new (source?: any): Uint8Array; from(source: any): Uint8Array; };
interface Buffer extends Uint8Array { toString(encoding?: string): string; }
declare var Buffer: { from(source: any, encoding?: string): Buffer; alloc(size: number): Buffer; };
interface Float32Array { readonly length: number; }
interface Float64Array { readonly length: number; }
interface Int32Array { readonly length: number; }
interface Blob { readonly size: number; }
interface File extends Blob { readonly name: string; }
interface FormData { get(name: string): any; }
interface Headers { get(name: string): string | null; }
interface Request { readonly url: string; readonly method: string; }
interface Response { readonly status: number; }
interface ReadableStream<T = any> { readonly locked: boolean; }
interface URL { readonly href: string; }
interface AbortSignal { readonly aborted: boolean; }
declare var process: any;
declare var console: any;
interface Math { readonly PI: number; readonly E: number; [name: string]: any; abs(x: number): number; ceil(x: number): number; floor(x: number): number; round(x: number): number; trunc(x: number): number; sign(x: number): number; sqrt(x: number): number; pow(x: number, y: number): number; exp(x: number): number; log(x: number): number; log2(x: number): number; log10(x: number): number; sin(x: number): number; cos(x: number): number; hypot(...x: number[]): number; max(...x: number[]): number; min(...x: number[]): number; random(): number; }
declare var Math: Math;
declare var JSON: { parse(text: string, revive?: any): any; stringify(value: any, replace?: any, space?: any): string; };
declare function parseInt(text: string, radix?: number): number;
declare function parseFloat(text: string): number;
declare function structuredClone<T>(value: T, options?: any): T;
declare var performance: { now(): number; readonly timeOrigin: number; };
declare var crypto: any;
interface ObjectConstructor {
  keys(value: any): string[]; values<T>(value: { [key: string]: T } | readonly T[]): T[]; entries<T>(value: { [key: string]: T } | readonly T[]): [string, T][];
  fromEntries<T>(entries: Iterable<readonly [any, T]>): { [key: string]: T }; assign<T, U>(target: T, source: U): T & U; freeze<T>(value: T): Readonly<T>;
  groupBy<K extends string | number | symbol, T>(values: Iterable<T>, keyOf: (value: T) => K): { [P in K]?: T[] };
}
declare var Object: ObjectConstructor;
type Partial<T> = { [P in keyof T]?: T[P] };
type Required<T> = { [P in keyof T]-?: T[P] };
type Readonly<T> = { readonly [P in keyof T]: T[P] };
type Pick<T, K extends keyof T> = { [P in K]: T[P] };
type Record<K extends keyof any, T> = { [P in K]: T };
type Exclude<T, U> = T extends U ? never : T;
type Extract<T, U> = T extends U ? T : never;
type Omit<T, K extends keyof any> = Pick<T, Exclude<keyof T, K>>;
type NonNullable<T> = T & {};
type Parameters<T> = T extends (...args: infer P) => any ? P : never;
type ReturnType<T> = T extends (...args: any) => infer R ? R : any;
type InstanceType<T> = T extends abstract new (...args: any) => infer R ? R : any;
type Awaited<T> = T extends Promise<infer U> ? Awaited<U> : T;
`;
