import type { ModuleSpec, SizeData, TensorSpec } from "../../runtime/types.js";

/** A size as it would be written: `B`, `2 * N - 1`, `(H * W + 1) / 2`. */
function sizeText(size: SizeData): string {
  if (typeof size !== "object") return String(size);
  const sum = size.terms
    .map(([coefficient, ...atoms], k) => {
      const sign = coefficient < 0 ? (k ? " - " : "-") : k ? " + " : "";
      const factors = Math.abs(coefficient) === 1 && atoms.length ? atoms : [Math.abs(coefficient), ...atoms];
      return sign + factors.join(" * ");
    })
    .join("");
  if ((size.over ?? 1) === 1) return sum || "0";
  return `${size.terms.length > 1 ? `(${sum})` : sum} / ${size.over}`;
}

const isName = (name: string): boolean => /^[\p{L}_$][\p{L}\p{Nd}_$]*$/u.test(name);
const keyOf = (name: string): string => (isName(name) ? name : JSON.stringify(name));
const typeText = (t: TensorSpec): string =>
  t.shape.length ? `${t.dtype}[${t.shape.map(sizeText).join(", ")}]` : t.dtype;

/** One property with its shape, range and the source's own comment as documentation. */
function field(name: string, type: string, tensor: TensorSpec | undefined, optional = false): string {
  const range = tensor?.range ? ` in ${tensor.range.map(sizeText).join("..")}` : "";
  const about = tensor ? `\`${typeText(tensor)}${range}\`` : "";
  const fallback = optional && tensor?.init?.kind === "fill" ? `, default ${tensor.init.value}` : "";
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
export function emitTypings(spec: ModuleSpec): string {
  const args = new Set(spec.trains.flatMap((t) => Object.values(t.argTensors)));
  const target = spec.targets.js ?? spec.targets.wasm ?? spec.targets.wgsl;
  const named = (name: string): TensorSpec | undefined =>
    spec.tensors.find((t) => t.name === name && t.role !== "value");
  const inputs = spec.tensors.flatMap((t, k) =>
    t.role === "input" && !args.has(k) ? [field(t.name, "TensorInput", t, t.init !== undefined)] : [],
  );
  const results = Object.entries(target?.forward.results ?? {}).map(([name, k]) =>
    field(name, "Tensor", spec.tensors[k]),
  );
  const grads = spec.wrt.map((name) => field(name, "Tensor", named(name)));
  const params = spec.tensors.flatMap((t) =>
    t.role === "param" ? [field(t.name, "HostInput", t, true)] : [],
  );
  const dims = spec.dims.map(
    (d) =>
      `  ${d.default === undefined ? "" : `/** default ${d.default} */ `}readonly ${keyOf(d.name)}?: number;`,
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
