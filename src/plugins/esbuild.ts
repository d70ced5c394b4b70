import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { compile, type CompileOptions } from "../index.js";
import { importedPath, importReader } from "../read-import.js";

/** What this plugin uses of esbuild's plugin interface; esbuild is the user's own. */
interface PluginBuild {
  onLoad(
    options: { filter: RegExp },
    load: (args: { path: string }) => Promise<{
      contents?: string;
      loader?: "js";
      errors?: Message[];
      warnings?: Message[];
      watchFiles?: string[];
    }>,
  ): void;
}
interface Message {
  text: string;
  location: { file: string; line: number; column: number; length: number; lineText: string };
}
export interface Plugin {
  readonly name: string;
  setup(build: PluginBuild): void;
}

/** `import { create } from "./model.grad"` in an esbuild bundle. Targets default to js and wgsl. */
export function grad(
  options: Pick<CompileOptions, "targets" | "dims" | "wrt" | "threads" | "runtimeImport"> = {},
): Plugin {
  return {
    name: "gradc",
    setup(build) {
      build.onLoad({ filter: /\.grad$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const filename = relative(process.cwd(), path);
        const texts = new Map([[filename, source]]);
        const read = importReader(texts);
        const watchFiles = [path];
        const result = compile(source, {
          targets: ["js", "wgsl"],
          compact: true,
          ...options,
          filename,
          resolve: (specifier, importer) => {
            watchFiles.push(importedPath(specifier, importer));
            return read(specifier, importer);
          },
        });
        const messages = (severity: "error" | "warning"): Message[] =>
          result.diagnostics
            .filter((d) => d.severity === severity)
            .map((d) => ({
              text: `${d.code}: ${d.message}${d.help ? ` (${d.help})` : ""}`,
              location: {
                file: d.file,
                line: d.span.start.line,
                column: d.span.start.column - 1,
                length: Math.max(1, d.span.end.offset - d.span.start.offset),
                lineText: texts.get(d.file)?.split("\n")[d.span.start.line - 1] ?? "",
              },
            }));
        if (!result.ok) return { errors: messages("error"), warnings: messages("warning"), watchFiles };
        return { contents: result.code, loader: "js", warnings: messages("warning"), watchFiles };
      });
    },
  };
}
export default grad;
