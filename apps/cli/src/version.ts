/** Version of this program; the server answers its own. */
export const CLI_VERSION = '0.1.0';
