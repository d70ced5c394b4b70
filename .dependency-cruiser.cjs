// Who may import whom; the same table stands in ARCHITECTURE.md.
const layers = {
  diagnostics: [],
  parser: ["diagnostics"],
  ir: ["diagnostics"],
  check: ["parser", "ir", "diagnostics", "std"],
  autodiff: ["ir", "diagnostics"],
  optimize: ["ir", "diagnostics"],
  schedule: ["ir", "diagnostics"],
  codegen: ["schedule", "ir", "runtime", "diagnostics"],
  runtime: [],
  std: [],
};
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
    ...Object.entries(layers).map(([layer, allowed]) => ({
      name: `${layer}-layer`,
      severity: "error",
      from: { path: `^src/${layer}/` },
      to: { path: "^src/", pathNot: [layer, ...allowed].map((l) => `^src/${l}/`) },
    })),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: "tsconfig.json" }, doNotFollow: { path: "node_modules" } },
};
