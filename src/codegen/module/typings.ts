import { isDeclared } from "../../runtime/sizes.js";
import type { LeafSpec, TensorType } from "../../runtime/types.js";
import type { ModuleData } from "./spec.js";

type Described = TensorType & Pick<Partial<LeafSpec>, "range" | "default" | "init" | "doc">;

const isName = (name: string): boolean => /^[\p{L}_$][\p{L}\p{Nd}_$]*$/u.test(name);
const keyOf = (name: string): string => (isName(name) ? name : JSON.stringify(name));
const typeText = (t: TensorType): string => (t.shape.length ? `${t.dtype}[${t.shape.join(", ")}]` : t.dtype);

/** One property with its shape, range and the source's own comment as documentation. */
function field(name: string, type: string, tensor: Described | undefined, optional = false): string {
  const range = tensor?.range ? ` in ${tensor.range.join("..")}` : "";
  const about = tensor ? `\`${typeText(tensor)}${range}\`` : "";
  const start = tensor?.default ?? tensor?.init ?? 0;
  const fallback = optional && typeof start === "number" ? `, default ${start}` : "";
  const doc = tensor?.doc
    ? `: ${tensor.doc
        .trim()
        .replace(/\*\//g, "*\\/")
        .replace(/\s*\n\s*/g, "\n   * ")}`
    : "";
  const comment = about ? `  /** ${about}${fallback}${doc} */\n` : "";
  return `${comment}  readonly ${keyOf(name)}${optional ? "?" : ""}: ${type};`;
}
const block = (head: string, fields: readonly string[]): string =>
  fields.length ? `${head} {\n${fields.join("\n")}\n}` : `${head} {}`;

/**
 * Typings of one model. Inputs without a default are required and no others are known; results, gradients, the
 * optimizer's arguments and the dims have their names, and every tensor its shape, as documentation.
 */
export function emitTypings({ spec, order }: ModuleData): string {
  const inputs = Object.entries(spec.input).map(([name, t]) =>
    field(name, "TensorInput", t, t.default !== undefined),
  );
  const results = Object.entries(spec.results).map(([name, type]) => field(name, "Tensor", type));
  const leaves: Readonly<Record<string, LeafSpec>> = { ...spec.input, ...spec.param, ...spec.state };
  const grads = order.wrt.map((name) => field(name, "Tensor", leaves[name]));
  const params = Object.entries(spec.param).map(([name, t]) => field(name, "HostInput", t, true));
  const dims = Object.entries(spec.dims)
    .filter(([name]) => isDeclared(name))
    .map(
      ([name, dim]) =>
        `  ${typeof dim === "number" ? `/** default ${dim} */ ` : ""}readonly ${keyOf(name)}?: number;`,
    );
  const isTrained = spec.trains.length > 0;
  const steps = spec.trains.map((t) => {
    const fields = Object.entries(t.args).map(
      ([name, value]) => `  /** default ${value} */\n  readonly ${keyOf(name)}?: number;`,
    );
    const first = t === spec.trains[0];
    return `{\n  readonly of${first ? "?" : ""}: ${JSON.stringify(t.of)};\n${fields.map((f) => `${f}\n`).join("")}}`;
  });
  const imports = [
    "CreateOptions",
    ...(params.length ? ["HostInput"] : []),
    "Meta",
    "Model",
    "Tensor",
    ...(inputs.length ? ["TensorInput"] : []),
  ];
  return `${[
    `import type { ${imports.join(", ")} } from "gradc/runtime";`,
    block("export interface Inputs", inputs),
    block("export interface Results", results),
    block("export interface Grads", grads),
    `/** ${isTrained ? "Which `train` (default the first), and its optimizer's arguments." : "The model has no `train`."} */\nexport type StepOptions = ${steps.join(" | ") || "never"};`,
    block("export interface Params", params),
    block("export interface Dims", dims),
    [
      'export interface Options extends Omit<CreateOptions, "dims" | "params"> {',
      "  readonly dims?: Dims;",
      "  /** Safetensors bytes, or named arrays. */",
      "  readonly params?: Uint8Array | ArrayBuffer | Params;",
      "}",
    ].join("\n"),
    "export declare function create(options?: Options): Promise<Model<Inputs, Results, Grads, StepOptions>>;\nexport declare const meta: Meta;",
  ].join("\n\n")}\n`;
}
