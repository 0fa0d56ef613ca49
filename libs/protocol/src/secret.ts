/**
 * A secret as a manifest names it; values are never in one.
 *
 * A named one is looked up when a container starts. An inline one was made by code: its values go from the client to
 * the server when the app is deployed, beside the manifest, under the place that it has in it.
 */
export type SecretRef =
  | {
      type: 'named';
      name: string;
      /** @defaultValue the environment of the app */
      environment?: string | undefined;
      /** The deploy fails if one of them is missing. */
      requiredKeys?: string[] | undefined;
    }
  | { type: 'inline'; index: number; keys: string[] };
