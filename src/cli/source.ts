import { readFileSync } from "node:fs";
import { analyse, type Analysis, type AnalyseOptions } from "../analyse.js";
import type { CompileOptions, CompileResult } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { importReader } from "../read-import.js";
import { reportAll, whyUnreadable, type Format } from "./report.js";
import { UserError } from "./usage.js";

let standardInput: string | undefined;
/** `-` is standard input. @throws UserError where the file cannot be read */
function readSource(file: string): string {
  try {
    // Standard input is read once, however often the text is wanted.
    return file === "-" ? (standardInput ??= readFileSync(0, "utf8")) : readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`${file}: ${whyUnreadable(error)}`, "GRAD6010");
  }
}

/** A file with whatever it imports, each text by the name that diagnostics give it. */
export class SourceFiles {
  readonly texts = new Map<string, string>();
  constructor(readonly file: string) {
    this.texts.set(file, readSource(file));
  }
  get source(): string {
    return this.texts.get(this.file) ?? "";
  }
  readonly resolve = importReader(this.texts);

  analyse(options: AnalyseOptions = {}): Analysis {
    return analyse(this.source, { filename: this.file, resolve: this.resolve, ...options });
  }
  /** The compiler's later half is loaded here, not where only the front end is wanted. */
  async compile(options: CompileOptions): Promise<CompileResult> {
    const { compile } = await import("../compile.js");
    return compile(this.source, { filename: this.file, resolve: this.resolve, ...options });
  }
  /** Writes diagnostics in the format asked for. */
  report(diagnostics: readonly Diagnostic[], format: Format, stream: NodeJS.WriteStream): void {
    reportAll(diagnostics, this.texts, format, stream);
  }
}

/** @throws UserError after reporting, where the file has errors */
export async function compileOrFail(
  file: string,
  options: CompileOptions,
  format: Format,
): Promise<CompileResult> {
  const files = new SourceFiles(file);
  const result = await files.compile(options);
  files.report(result.diagnostics, format, process.stderr);
  if (!result.ok) throw new UserError("");
  return result;
}
