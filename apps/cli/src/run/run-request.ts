/** What `gantry run` tells the process that runs the user's code on this machine. */
export interface RunRequest {
  /** Where the built bundle lies. */
  bundleUrl: string;
  target:
    | { type: 'entrypoint'; name: string }
    | {
        type: 'function';
        appId: string;
        name: string;
        kind: 'function' | 'class';
        method: string;
        parameters: Record<string, unknown>;
        /** Its values are printed as they come, one line of JSON each. */
        isGenerator: boolean;
      };
  args: unknown[];
  /** Where the result goes, instead of being printed. */
  resultPath: string | undefined;
}
