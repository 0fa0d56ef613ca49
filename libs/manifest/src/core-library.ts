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
interface Number { toFixed(digits?: number): string; }
interface BigInt {}
interface Symbol {}
interface SymbolConstructor { readonly iterator: unique symbol; readonly asyncIterator: unique symbol; readonly dispose: unique symbol; readonly asyncDispose: unique symbol; }
declare var Symbol: SymbolConstructor;
interface String { readonly length: number; trim(): string; toLowerCase(): string; toUpperCase(): string; }
interface RegExp {}
interface TemplateStringsArray extends ReadonlyArray<string> { readonly raw: readonly string[]; }
interface Array<T> { length: number; [index: number]: T; [Symbol.iterator](): Iterator<T>; }
interface ReadonlyArray<T> { readonly length: number; readonly [index: number]: T; [Symbol.iterator](): Iterator<T>; }
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
interface PromiseConstructor { new <T>(run: (done: (value: T) => void, failed: (error: any) => void) => void): Promise<T>; resolve<T>(value: T): Promise<Awaited<T>>; all(values: any): Promise<any>; }
declare var Promise: PromiseConstructor;
interface Date { getTime(): number; }
declare var Date: { new (value?: any): Date; now(): number; };
interface Error { name: string; message: string; stack?: string; }
declare var Error: { new (message?: string, options?: any): Error; };
interface Map<K, V> { get(key: K): V | undefined; }
declare var Map: { new <K, V>(entries?: any): Map<K, V>; };
interface Set<T> { has(value: T): boolean; }
declare var Set: { new <T>(values?: any): Set<T>; };
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
declare var Math: any;
declare var JSON: any;
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
