// Three kinds of tests in one run, told apart by file name. `npm test` starts what they need (tools/stack/src/run-tests.ts).
const SOURCES = ["packages", "services", "tools", "scripts"].map((folder) => `<rootDir>/${folder}`);

const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "^.+\\.ts$": "<rootDir>/scripts/jest-strip-types.mjs" },
  modulePathIgnorePatterns: ["<rootDir>/.cache/", "/dist/"],
};

export default {
  cacheDirectory: "<rootDir>/.cache/jest",
  maxWorkers: 2,
  // Generous: tests wait for signals, so only one that hangs takes long.
  testTimeout: 20_000,
  reporters: ["default", "<rootDir>/scripts/jest-count-reporter.mjs"],
  projects: [
    {
      ...shared,
      displayName: "unit",
      roots: [...SOURCES, "<rootDir>/test"],
      testMatch: ["**/*.test.ts"],
      testPathIgnorePatterns: ["/node_modules/", "\\.(integration|e2e|kube)\\.test\\.ts$"],
    },
    {
      ...shared,
      displayName: "integration",
      roots: SOURCES,
      testMatch: ["**/*.integration.test.ts"],
      setupFilesAfterEnv: ["<rootDir>/test/setup/integration.ts"],
    },
    {
      ...shared,
      displayName: "e2e",
      roots: ["<rootDir>/test"],
      testMatch: ["**/*.e2e.test.ts"],
      setupFilesAfterEnv: ["<rootDir>/test/setup/e2e.ts"],
    },
    {
      // Not of npm test: they need helm, which npm run check:kube brings.
      ...shared,
      displayName: "kube",
      roots: ["<rootDir>/test/kube"],
      testMatch: ["**/*.kube.test.ts"],
    },
  ],
};
