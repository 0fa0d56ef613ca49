import { defineConfig } from 'vite';

/** Where `npx vite` in this folder finds the API of a platform that runs. */
const API = process.env['GANTRY_SERVER_URL'] ?? 'http://127.0.0.1:7420';

export default defineConfig({
  // Vite reads JSX by itself; what makes components reload in place would be one more package.
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    target: 'es2023',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': API } },
});
