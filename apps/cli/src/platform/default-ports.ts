/** Where the API listens unless told otherwise. Text, as flags are. */
export const DEFAULT_API_PORT = '7420';
/** Where web endpoints are served unless told otherwise. */
export const DEFAULT_HTTPS_PORT = '7443';
