/** An entry of the catalogue: the wording from its arguments, and what `gradc explain` prints. */
export interface Entry {
  readonly title: string;
  readonly message: (args: never) => string;
  readonly page: string;
  /** An error where absent. */
  readonly severity?: "warning";
}
export type Text = { text: string };
export type Name = { name: string };
/** Names as they are listed in a message. */
export const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
export type Pair = { left: string; right: string };

/** What the code means, then an example that is wrong and the same made right, where one says more than words. */
export function page(meaning: string, wrong: string, right: string): string {
  const block = (title: string, text: string): string => `${title}\n\n${text.replace(/^/gm, "    ")}`;
  return wrong === "" ? meaning : [meaning, block("Wrong:", wrong), block("Right:", right)].join("\n\n");
}
