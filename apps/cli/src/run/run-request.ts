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
  /** The screen is there to be borrowed, for how far maps are. */
  showsMaps: boolean;
}

/** What the process that runs the user's code is told later. */
export type ToRunChild =
  /** The screen is its own: what would be printed there, it gets as `print`, and says `printed`. */
  { type: 'lent' } | { type: 'print'; stream: 'stdout' | 'stderr'; text: string };

/** What that process tells. */
export type FromRunChild = { type: 'borrow' | 'giveBack' | 'printed' };
