import { defineConfig } from 'vitest/config';

// Real processes on a busy machine: one second attempt, which `npm test` names at its end (docs/decisions/0220).
const SECOND_ATTEMPTS = 1;

export default defineConfig({
  test: {
    // Vitest leaves one core alone; on two cores that would be half of the machine, for tests that mostly wait.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{apps,libs,tools,examples}/*/src/**/*.test.ts',
            'tools/setup/src/**/*.test.mjs',
            'e2e/faults/*.test.ts',
          ],
          exclude: ['**/*.integration.test.{ts,mjs}', '**/*.e2e.test.ts', '**/node_modules/**'],
          setupFiles: ['vitest.fuzz.ts'],
          // Property tests take seconds on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: [
            '{apps,libs,tools}/*/src/**/*.integration.test.ts',
            'tools/setup/src/**/*.integration.test.mjs',
          ],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry: SECOND_ATTEMPTS,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.test.ts'],
          setupFiles: ['vitest.fuzz.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          retry: SECOND_ATTEMPTS,
        },
      },
    ],
  },
});
