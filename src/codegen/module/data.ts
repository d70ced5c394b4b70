type Data =
  string | number | boolean | null | undefined | Code | readonly Data[] | { readonly [key: string]: Data };
type Code = (...args: never[]) => unknown;

const WIDTH = 110;

/**
 * Data as a JavaScript expression, for people and for gzip: what fits a line stands on one. Unlike JSON it keeps
 * infinities, NaN and -0; texts of several lines are template literals, and functions stand as `textOf` has them.
 */
export function dataText(value: object, textOf: (code: Code) => string = String): string {
  const printed = (value: Data, indent: string): string => {
    if (typeof value === "string") return stringText(value);
    if (typeof value === "function") return textOf(value);
    if (value === null || typeof value !== "object") return Object.is(value, -0) ? "-0" : String(value);
    const line = oneLine(value);
    if (!line.includes("\n") && line.length + indent.length <= WIDTH) return line;
    const inner = `${indent} `;
    if (isList(value)) {
      if (value.every((v) => typeof v === "number"))
        return `[${wrapped(
          value.map((v) => printed(v, "")),
          inner,
        )}\n${indent}]`;
      return `[\n${value.map((v) => `${inner}${printed(v, inner)},\n`).join("")}${indent}]`;
    }
    return `{\n${entries(value)
      .map(([key, v]) => `${inner}${keyText(key)}: ${printed(v, inner)},\n`)
      .join("")}${indent}}`;
  };
  const oneLine = (value: Data): string => {
    if (value === null || typeof value !== "object") return printed(value, "");
    if (isList(value)) return `[${value.map(oneLine).join(", ")}]`;
    const fields = entries(value).map(([key, v]) => `${keyText(key)}: ${oneLine(v)}`);
    return fields.length ? `{ ${fields.join(", ")} }` : "{}";
  };
  return printed(value as Data, "");
}

const isList = (value: Data): value is readonly Data[] => Array.isArray(value);
const entries = (value: { readonly [key: string]: Data }): [string, Data][] =>
  Object.entries(value).filter(([, v]) => v !== undefined);

/** In a literal `__proto__:` would set the prototype. */
export function keyText(key: string): string {
  if (key === "__proto__") return '["__proto__"]';
  return /^[\p{L}_$][\p{L}\p{Nd}_$]*$/u.test(key) ? key : JSON.stringify(key);
}
function stringText(text: string): string {
  if (!text.includes("\n")) return JSON.stringify(text);
  return `\`${text.replace(/[\\`]|\$\{/g, "\\$&").replace(/\r/g, "\\r")}\``;
}

/** Numbers, as many to a line as fit. */
function wrapped(items: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const item of items) {
    if (line && line.length + item.length + indent.length > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += `${line && " "}${item},`;
  }
  return [...lines, line].map((l) => `\n${indent}${l}`).join("");
}
