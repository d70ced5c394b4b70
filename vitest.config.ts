import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], exclude: string[] = [], timeout = 10_000) => ({
  test: { name, include, exclude, testTimeout: timeout, hookTimeout: timeout },
});

export default defineConfig({
  test: {
    projects: [
      project("fast", ["test/**/*.test.ts"], ["test/slow/**", "test/webgpu/**", "test/browser/**"], 60_000),
      project("slow", ["test/slow/**/*.test.ts"], [], 600_000),
      project("browser", ["test/browser/**/*.test.ts"], [], 120_000),
      project("webgpu", ["test/webgpu/**/*.test.ts"], [], 120_000),
    ],
  },
});
