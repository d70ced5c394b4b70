import { mkdirSync, watch, writeFileSync, type FSWatcher } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { compileOptionsOf, dimsOf, formatOf, targetsOf, type Options } from "./options.js";
import { SourceFiles } from "./source.js";
import { UsageError, UserError } from "./usage.js";

const nameOf = (file: string): string => basename(file).replace(/\.grad$/, "");

/** Writes DIR/NAME.js, DIR/NAME.js.map and DIR/NAME.d.ts for each file; with `--watch` again whenever one changes. */
export async function build(files: readonly string[], options: Options): Promise<number> {
  const folder = options.out;
  if (folder === undefined) throw new UsageError("build wants -o DIR");
  targetsOf(options.target ?? "js");
  const names = new Set<string>();
  for (const file of files) {
    if (options.watch && file === "-") throw new UsageError("standard input cannot be watched");
    if (names.has(nameOf(file))) throw new UserError(`two files are called ${nameOf(file)}`);
    names.add(nameOf(file));
  }
  let failed = false;
  const watchers: Promise<never>[] = [];
  for (const file of files) {
    const { ok, sources } = await buildOne(file, folder, options);
    failed ||= !ok;
    if (options.watch) watchers.push(watchOne(file, sources, folder, options));
  }
  if (options.watch) await Promise.race(watchers);
  return failed ? 1 : 0;
}

async function buildOne(
  file: string,
  folder: string,
  options: Options,
): Promise<{ ok: boolean; sources: readonly string[] }> {
  const files = new SourceFiles(file);
  const result = await files.compile({
    targets: targetsOf(options.target ?? "js"),
    dims: dimsOf(options),
    ...(await compileOptionsOf(options)),
    linkMap: true,
  });
  files.report(result.diagnostics, formatOf(options), process.stderr);
  if (result.ok) {
    const name = file === "-" ? "model" : nameOf(file);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.js`), result.code);
    writeFileSync(join(folder, `${name}.d.ts`), result.dts);
    writeFileSync(join(folder, `${name}.js.map`), besideMap(result.map, folder));
  }
  return { ok: result.ok, sources: [...files.texts.keys()] };
}

/** Sources are named relative to the map, as debuggers look for them. */
function besideMap(map: string, folder: string): string {
  const parsed = JSON.parse(map) as { sources: string[] };
  const sources = parsed.sources.map((s) =>
    s.startsWith("std/") ? s : relative(resolve(folder), resolve(s)).replaceAll("\\", "/"),
  );
  return JSON.stringify({ ...parsed, sources });
}

/** Builds again when the file or one of its imports changes. Folders are watched, as editors replace files. */
function watchOne(
  file: string,
  sources: readonly string[],
  folder: string,
  options: Options,
): Promise<never> {
  return new Promise<never>((_, reject) => {
    let watchers: FSWatcher[] = [];
    let pending: NodeJS.Timeout | undefined;
    const listen = (list: readonly string[]): void => {
      for (const w of watchers) w.close();
      const watched = new Set(list.map((s) => resolve(s)));
      watchers = [...new Set([...watched].map((s) => dirname(s)))].map((directory) =>
        watch(directory, (_event, changed) => {
          if (changed !== null && !watched.has(join(directory, changed))) return;
          clearTimeout(pending);
          pending = setTimeout(again, 50);
        }),
      );
    };
    const again = (): void => {
      buildOne(file, folder, options).then(
        ({ ok, sources: list }) => {
          process.stderr.write(`${file}: ${ok ? "built" : "not built"}\n`);
          listen(list);
        },
        (error: unknown) => {
          // The file may be away for a moment while it is saved.
          if (error instanceof UserError) process.stderr.write(`${error.message}\n`);
          else reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    };
    listen(sources);
  });
}
