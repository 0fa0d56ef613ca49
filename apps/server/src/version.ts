/** Version of this program, told to clients. */
export const VERSION = '0.1.0';
