type Wanted = "value" | "first element" | "name" | "first name" | "colon" | "end";

const TOKEN =
  /[ \t\r\n]*([{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

/** Where a text stops being JSON: the offset of the first token that cannot stand there. Node's own message does not always say. */
export function jsonFault(text: string): number {
  const open: ("{" | "[")[] = [];
  let wanted: Wanted = "value";
  for (let at = 0; ;) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[1];
    const start = at + (/^[ \t\r\n]*/.exec(text.slice(at))?.[0].length ?? 0);
    if (token === undefined) return start;
    const next = follow(token, wanted, open);
    if (!next) return start;
    wanted = next;
    at = TOKEN.lastIndex;
  }
}

/** What is wanted after the token; nothing where it cannot stand there. */
function follow(token: string, wanted: Wanted, open: ("{" | "[")[]): Wanted | undefined {
  switch (token) {
    case "{":
    case "[":
      if (wanted !== "value" && wanted !== "first element") return undefined;
      open.push(token);
      return token === "{" ? "first name" : "first element";
    case "}":
    case "]": {
      const empty = token === "}" ? "first name" : "first element";
      if (open.pop() !== (token === "}" ? "{" : "[") || (wanted !== "end" && wanted !== empty))
        return undefined;
      return "end";
    }
    case ",":
      if (wanted !== "end" || !open.length) return undefined;
      return open.at(-1) === "{" ? "name" : "value";
    case ":":
      return wanted === "colon" ? "value" : undefined;
    default:
      if (wanted === "value" || wanted === "first element") return "end";
      return token.startsWith('"') && (wanted === "name" || wanted === "first name") ? "colon" : undefined;
  }
}
