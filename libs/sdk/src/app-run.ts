/**
 * An app that is up for a scope of this program, from `app.run()`.
 *
 * @example
 * ```ts
 * await using run = await app.run();
 * console.log(run.appId, await square.remote(3));
 * ```
 */
export class AppRun implements AsyncDisposable {
  readonly appId: string;
  #end: (() => Promise<void>) | undefined;

  /** @internal */
  constructor(appId: string, end: () => Promise<void>) {
    this.appId = appId;
    this.#end = end;
  }

  /** Ends the scope before its block does. Harmless to repeat. */
  async stop(): Promise<void> {
    const end = this.#end;
    this.#end = undefined;
    await end?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
