import { didYouMean, suggest } from "../diagnostics/suggest.js";
import { DataError } from "../runtime/errors.js";
import type { Meta } from "../runtime/meta.js";
import type { LoadedData } from "./data.js";

/** The known name nearest to `name`, as `; did you mean …?`, or nothing. */
export function nearest(name: string, known: Iterable<string>): string {
  const near = suggest(name, known);
  return near === undefined ? "" : `; ${didYouMean(near)}`;
}

/** "there is no loss `q`", with the nearest name or all that there are. */
export function absent(what: string, name: string, known: readonly string[]): string {
  const all = known.length ? `; there is ${known.join(", ")}` : "";
  return `there is no ${what} \`${name}\`${nearest(name, known) || all}`;
}

/**
 * The runtime lists what there is for a name that it does not know; here there is room to say which was meant.
 * @throws DataError for a name of the data that the model does not have
 */
export function checkNames(data: LoadedData, meta: Meta): void {
  const known = {
    dim: [data.dims, Object.keys(meta.dims)],
    input: [data.inputs, Object.keys(meta.inputs)],
    param: [data.params, [...Object.keys(meta.params), ...Object.keys(meta.states)]],
  } as const;
  for (const [what, [given, names]] of Object.entries(known))
    for (const name of Object.keys(given)) {
      const near = names.includes(name) ? "" : nearest(name, names);
      if (near) throw new DataError("GRAD6002", `unknown ${what} \`${name}\`${near}`);
    }
}

/** The runtime says things briefly, as it is counted in bytes; here they may be whole sentences. */
export function worded({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === "GRAD6001") return message.replace(/^(.*): missing, not (.*)$/, "$1 is missing ($2)");
  const [, what, name = "", list = ""] = /^(.*): `(.*)`, not one of (.*)$/.exec(message) ?? [];
  if (code !== "GRAD6002" || what === undefined) return message;
  return absent(what, name, list.split(", "));
}
